//! Types that are related in a circle, to themselves, and by keys that may be missing.

use feathers::prelude::*;
use feathers::schema::Related;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Service)]
struct Person {
    #[service(id)]
    id: i64,
    boss_id: Option<i64>,
    #[service(belongs_to(boss_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    boss: Related<Person>,
    desk: String,
    /// Where the person sits.
    #[service(belongs_to(desk, service = "desks"))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    place: Related<Desk>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Service)]
struct Desk {
    #[service(id)]
    id: String,
    owner_id: i64,
    #[service(belongs_to(owner_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    owner: Related<Person>,
}

fn main() {
    let desk = Desk { id: "a".to_owned(), owner_id: 1, owner: Related::default() };
    let boss = Person { id: 2, boss_id: None, boss: Related::null(), desk: "b".to_owned(), place: Related::default() };
    let desk = Desk { owner: boss.into(), ..desk };
    let person = Person { id: 1, boss_id: Some(2), boss: Related::default(), desk: "a".to_owned(), place: desk.into() };
    let text = serde_json::to_string(&person).unwrap();
    let expected = r#"{"id":1,"boss_id":2,"desk":"a","place":{"id":"a","owner_id":1,"owner":{"id":2,"boss_id":null,"boss":null,"desk":"b"}}}"#;
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<Person>(&text).unwrap(), person);
}
