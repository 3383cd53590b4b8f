//! Every type that can be a field, and every attribute.

#![deny(warnings)]

use feathers::prelude::*;
use feathers::schema::{DataType, Record, Rule};

const MOST: u8 = 9;
const LONGEST: usize = 40;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default = "many")]
struct Many {
    #[service(id, length(..=36))]
    #[serde(rename = "_id")]
    key: String,
    small: u8,
    #[service(range(-1.5..10))]
    real: f64,
    #[service(range(min = 0, max = MOST))]
    whole_number: Option<i32>,
    #[service(length(min = 3))]
    text: String,
    #[service(length(1..LONGEST))]
    other: Option<String>,
    #[service(email)]
    mail: String,
    #[service(url, hidden, server, default = "https://example.org")]
    page: String,
    list: Vec<u16>,
    #[service(json)]
    pair: (u8, Option<u8>),
    #[service(json)]
    pairs: Option<Vec<(u8, u8)>>,
    #[serde(alias = "anything", skip_serializing_if = "Option::is_none")]
    any: Option<String>,
}

fn many() -> Many {
    serde_test()
}

fn serde_test() -> Many {
    Many {
        key: String::new(),
        small: 0,
        real: 0.0,
        whole_number: None,
        text: String::new(),
        other: None,
        mail: String::new(),
        page: String::new(),
        list: Vec::new(),
        pair: (0, None),
        pairs: None,
        any: None,
    }
}

fn main() {
    let schema = Many::schema();
    assert_eq!(schema.id, "_id");
    let field = |name| schema.field(name).unwrap();
    assert_eq!(field("real").rules, [Rule::Minimum(-1.5), Rule::ExclusiveMaximum(10.0)]);
    assert_eq!(field("wholeNumber").rules, [Rule::Minimum(0.0), Rule::Maximum(9.0)]);
    assert_eq!(field("other").rules, [Rule::MinLength(1), Rule::MaxLength(39)]);
    assert_eq!(field("text").rules, [Rule::MinLength(3)]);
    assert_eq!((field("mail").rules, field("page").rules), (&[Rule::Email][..], &[Rule::Url][..]));
    assert_eq!((field("pair").data_type, field("pairs").nullable, field("list").data_type), (DataType::Json, true, DataType::List(&DataType::Integer)));
    assert!(field("page").hidden && field("page").server);
}
