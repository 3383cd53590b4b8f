//! Every type that a field can have, with names that are keywords and words that are written in other ways.

#![deny(warnings)]

use feathers::prelude::*;
use feathers::schema::{DataType, Record};
use feathers::{Bytes, Duration};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, FieldType)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Open,
    InProgress,
    #[serde(rename = "fertig")]
    Done,
    Self_,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Everything {
    #[service(id)]
    id: i64,
    r#type: Status,
    all: Vec<Status>,
    at: jiff::Timestamp,
    utc: Option<chrono::DateTime<chrono::Utc>>,
    day: jiff::civil::Date,
    naive_day: chrono::NaiveDate,
    time: jiff::civil::Time,
    naive_time: Option<chrono::NaiveTime>,
    left: Duration,
    #[service(scale = 0)]
    count: rust_decimal::Decimal,
    #[service(scale = 18, range(0..=1))]
    share: Option<rust_decimal::Decimal>,
    #[service(length(..=16))]
    key: Bytes,
    #[service(length(1..))]
    days: Vec<jiff::civil::Date>,
    #[service(default = Status::Open)]
    next: Status,
}

fn main() {
    let schema = Everything::schema();
    let kind = |name| schema.field(name).unwrap().data_type;
    assert_eq!(kind("type"), DataType::Enum(&["OPEN", "IN_PROGRESS", "fertig", "SELF_"]));
    let words: Vec<_> = [Status::Open, Status::InProgress, Status::Done, Status::Self_]
        .map(|status| serde_json::to_value(status).unwrap())
        .into_iter()
        .collect();
    assert_eq!(words, ["OPEN", "IN_PROGRESS", "fertig", "SELF_"], "as serde writes them");
    assert_eq!(kind("days"), DataType::List(&DataType::Date));
    assert_eq!((kind("count"), kind("share")), (DataType::Decimal(0), DataType::Decimal(18)));
    assert_eq!((kind("utc"), kind("naive_time")), (DataType::Instant, DataType::Time));
}
