//! Names of the user's that mean other things.

#![deny(warnings)]
#![allow(dead_code)]

use feathers::prelude::{Deserialize, Serialize, Service, service};

struct Option;
struct Result;
struct Vec;
struct String;
struct Some;
trait Clone {}
trait Default {}
mod core {}
mod std {}
mod serde {}

#[derive(::std::clone::Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(default = data())]
    data: bool,
    #[service(server)]
    value: u8,
    r#type: ::std::option::Option<u8>,
    #[service(json)]
    values: ::std::vec::Vec<u8>,
    fields: u8,
}

impl Todo {
    // Methods of the same names as those of the traits.
    fn field(&self) {}
    fn id(&self) {}
    fn create(&self) {}
}

fn data() -> bool {
    true
}

struct Echo;

#[service]
impl Echo {
    async fn create(&self, result: u8) -> feathers::Result<u8> {
        ::std::result::Result::Ok(result)
    }

    #[method]
    async fn call(&self) -> feathers::Result<()> {
        ::std::result::Result::Ok(())
    }

    #[method]
    async fn descriptor(&self) -> feathers::Result<()> {
        ::std::result::Result::Ok(())
    }
}

fn main() {
    let names: ::std::vec::Vec<_> =
        <Todo as feathers::schema::Record>::schema().fields.iter().map(|field| field.name).collect();
    assert_eq!(names, ["id", "data", "value", "type", "values", "fields"]);
}
