//! The schema of a type: what a method takes and returns, as far as it can be told from the types in its signature.

use uuid::Uuid;

use crate::data::data_type::DataType;
use crate::data::record::Record;
use crate::data::schema::Schema;
use crate::data::types::{Bytes, Duration};

/// What is known of the type of a method's data or result.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum TypeSchema {
    /// Nothing: any JSON.
    #[default]
    Unknown,
    /// `null`, as which `()` is written.
    Null,
    /// One value: a boolean, a number, a text, or another type that a field can have.
    Scalar(DataType),
    /// A whole record. Its hidden fields stand in the schema, and never leave the server.
    Record(Schema),
    /// What `create` and `update` of such a record take: `TodoData` for `Todo`.
    Data(Schema),
    /// What `patch` of such a record takes: `TodoPatch` for `Todo`.
    Patch(Schema),
    /// This, or `null`.
    Nullable(Box<Self>),
    /// A list of these.
    List(Box<Self>),
    /// One page of a list of these, with `total`, `limit`, `skip` and `data`.
    Page(Box<Self>),
}

impl TypeSchema {
    /// Makes `null` a value, too.
    pub fn nullable(self) -> Self {
        match self {
            // Each of them has it already.
            Self::Unknown | Self::Null | Self::Nullable(_) => self,
            other => Self::Nullable(Box::new(other)),
        }
    }

    /// Returns the schema of a list.
    pub fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// Returns the schema of a page.
    pub fn page(self) -> Self {
        Self::Page(Box::new(self))
    }
}

/// A type whose schema is known: records and their data types, scalars, lists, pages and `Option`s of these.
///
/// `#[service]` asks the types of its methods for it; one that does not implement it is [`TypeSchema::Unknown`].
pub trait Described {
    /// Returns the schema.
    fn type_schema() -> TypeSchema;
}

impl<R: Record> Described for R {
    fn type_schema() -> TypeSchema {
        TypeSchema::Record(R::schema())
    }
}

impl<T: Described> Described for Option<T> {
    fn type_schema() -> TypeSchema {
        T::type_schema().nullable()
    }
}

impl<T: Described> Described for Vec<T> {
    fn type_schema() -> TypeSchema {
        T::type_schema().list()
    }
}

impl Described for () {
    fn type_schema() -> TypeSchema {
        TypeSchema::Null
    }
}

macro_rules! scalars {
    ($($data_type:ident: $($ty:ty)*;)*) => {$($(
        impl Described for $ty {
            fn type_schema() -> TypeSchema {
                TypeSchema::Scalar(DataType::$data_type)
            }
        }
    )*)*};
}

scalars! {
    Boolean: bool;
    Integer: i64 i32 i16 i8 u64 u32 u16 u8;
    Number: f64 f32;
    String: String;
    Uuid: Uuid;
    Duration: Duration;
    Bytes: Bytes;
}

/// Asks a type for its schema where it may not have one: [`Undescribed`] answers for types that are not [`Described`].
#[derive(Debug)]
pub struct Probe<T>(std::marker::PhantomData<fn() -> T>);

impl<T: Described> Probe<T> {
    /// Returns the schema.
    pub fn type_schema() -> TypeSchema {
        T::type_schema()
    }
}

/// The answer of a [`Probe`] for types that are not [`Described`]; an inherent function comes before that of a trait.
pub trait Undescribed {
    /// Returns that nothing is known.
    fn type_schema() -> TypeSchema {
        TypeSchema::Unknown
    }
}

impl<T> Undescribed for Probe<T> {}
