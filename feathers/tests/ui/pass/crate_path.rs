//! The framework under another name.

#![deny(warnings)]

mod inner {
    pub use feathers as web;
}

use feathers::prelude::{Deserialize, Result, Serialize, Service, service};

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(crate = inner::web)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(default)]
    done: bool,
}

struct Clock;

#[service(crate = crate::inner::web)]
impl Clock {
    async fn find(&self) -> Result<u8> {
        Ok(12)
    }
}

fn main() {
    assert_eq!(<Todo as feathers::schema::Record>::schema().fields.len(), 2);
    assert_eq!(Clock.descriptor().methods.len(), 1);
}
