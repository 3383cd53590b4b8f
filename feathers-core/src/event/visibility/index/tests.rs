//! The index finds every group that matches, whatever its condition looks like, and forgets what is taken away.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::data::record::{Document, Record};
use crate::data::rights::ReadRights;
use crate::data::schema::Schema;

fn path(name: &str) -> FieldPath {
    FieldPath::new(name, &Schema::open("id"))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        // One that equals a whole number, and one that does not.
        prop_oneof![Just(1.0), Just(1.5)].prop_map(Value::from),
        "[ab]".prop_map(Value::from),
        prop::collection::vec(0..3_i64, 0..3).prop_map(Value::from),
        Just(json!({ "x": 1 })),
    ]
}

fn field() -> impl Strategy<Value = FieldPath> {
    prop_oneof![Just("a"), Just("b"), Just("b.x")].prop_map(path)
}

fn filter() -> impl Strategy<Value = Filter> {
    let compared = (field(), value(), 0..5_u8).prop_map(|(path, value, operator)| {
        let value = FieldValue::from(value);
        let comparison = match operator {
            0 | 1 => Comparison::Equal(value),
            2 => Comparison::In(vec![value, FieldValue::Int(2)]),
            3 => Comparison::NotEqual(value),
            _ => Comparison::Greater(value),
        };
        Filter::Field(path, comparison)
    });
    let leaf = prop_oneof![8 => compared, 1 => Just(Filter::All), 1 => Just(Filter::Or(Vec::new()))];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner, 0..3).prop_map(Filter::Or),
        ]
    })
}

fn group(filter: &Filter) -> Arc<Group> {
    Arc::new(Group::new("tickets", Arc::new(ReadRights::new(filter.clone(), Vec::new()))))
}

proptest! {
    #[test]
    fn every_group_that_matches_is_found(
        filters in prop::collection::vec(filter(), 1..12),
        records in prop::collection::vec((value(), value()), 1..6),
    ) {
        let mut index = Index::default();
        let groups: Vec<_> = filters.iter().map(group).collect();
        let anchors: Vec<_> = groups.iter().map(|group| index.insert(group)).collect();
        for (a, b) in records {
            let record = Document(Map::from_iter([("a".to_owned(), a), ("b".to_owned(), b)]));
            let mut found = HashSet::new();
            index.candidates(&|path| record.lookup(path), |group| {
                found.insert(Arc::as_ptr(group));
            });
            for (group, filter) in groups.iter().zip(&filters) {
                let matches = filter.matches(&|path| record.lookup(path));
                prop_assert!(!matches || found.contains(&Arc::as_ptr(group)), "{filter:?} of {record:?}");
            }
        }
        for (group, anchors) in groups.iter().zip(&anchors) {
            index.remove(group, anchors.as_ref());
        }
        prop_assert!(index.rest.is_empty());
        let is_empty = |values: &Values| values.texts.is_empty() && values.others.is_empty();
        prop_assert!(index.fields.iter().all(|(_, values)| is_empty(values)));
    }
}

#[test]
fn a_group_stands_under_its_rarest_value() {
    let equal = |name: &str, value: i64| Filter::Field(path(name), Comparison::Equal(FieldValue::Int(value)));
    let mut index = Index::default();
    let groups: Vec<_> = (0..100).map(|user| group(&Filter::And(vec![equal("org", 1), equal("user", user)]))).collect();
    for group in &groups {
        assert!(index.insert(group).is_some());
    }
    let record = Document(Map::from_iter([("org".to_owned(), 1.into()), ("user".to_owned(), 7.into())]));
    let mut found = 0;
    index.candidates(&|path| record.lookup(path), |_| found += 1);
    // The first stands under the organisation, when that was as rare as the user.
    assert!(found <= 2, "{found}");
}
