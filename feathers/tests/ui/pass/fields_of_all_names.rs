//! Fields of names that mean other things, and methods of the names of fields.

#![deny(warnings)]

use feathers::Memory;
use feathers::app::Access;
use feathers::prelude::*;
use feathers::query::Condition;

#[derive(Clone, Debug, Default, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Odd {
    #[service(id)]
    id: i64,
    default: i64,
    new: Option<String>,
    r#type: String,
    eq: bool,
    schema: f64,
    #[service(json)]
    all: Vec<Place>,
    two_words: Vec<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    city: String,
}

impl Odd {
    fn id(&self) -> i64 {
        self.id
    }

    fn new() -> Self {
        Self::default()
    }
}

#[derive(Deserialize)]
struct User {
    id: i64,
    name: String,
}

fn readable(user: &User) -> Condition<Odd> {
    let own = Odd::ID.eq(user.id) | Odd::DEFAULT.gt(3) | Odd::NEW.is_null() | Odd::NEW.eq("x") | Odd::NEW.ne(&user.name);
    own & Odd::TYPE.one_of(["a", "b"]) & !Odd::EQ.eq(true) & Odd::SCHEMA.lte(1.5) & Odd::TWO_WORDS.contains(3)
}

fn main() {
    let mut app = App::new();
    app.service("odd", Memory::<Odd>::new()).access(
        Access::of::<User>().read(readable).create(|_| true).field(Odd::ALL, |user| user.id == 1),
    );
    assert_eq!((Odd::TWO_WORDS.name(), Odd::TYPE.name()), ("twoWords", "type"));
    assert_eq!(Odd::new().id(), 0);
}
