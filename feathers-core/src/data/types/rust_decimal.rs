//! Decimals of `rust_decimal`: exact, with the scale that their field declares.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::FixedPoint;
use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::{FieldRef, FieldType, FieldValue, NO_SCALE, mismatch};
use crate::data::query::Ordered;

/// Returns the value as stores keep it; `None` for one with too many digits.
fn fixed(decimal: Decimal) -> Option<FixedPoint> {
    let shortest = decimal.normalize();
    FixedPoint::new(i64::try_from(shortest.mantissa()).ok()?, u8::try_from(shortest.scale()).ok()?)
}

impl Ordered for Decimal {}

impl FieldType for Decimal {
    const KIND: DataType = DataType::Decimal(NO_SCALE);

    fn to_field(&self) -> FieldRef<'_> {
        // What no store can hold exactly is not changed into another decimal; each of them refuses it.
        fixed(*self).map_or_else(|| FieldRef::Float(self.to_f64().unwrap_or(f64::NAN)), FieldRef::Decimal)
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match value {
            FieldValue::Decimal(number) => Ok(Self::new(number.units(), number.places().into())),
            other => Err(mismatch("decimal", &other)),
        }
    }

    fn limit_precision(&mut self, kind: DataType) {
        if let DataType::Decimal(scale) = kind
            && let Some(number) = fixed(*self).and_then(|number| number.rescale(scale))
        {
            *self = Self::new(number.units(), scale.into());
        }
    }
}
