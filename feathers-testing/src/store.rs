//! The contract of stores: one suite of tests that every store must pass.
//!
//! [`store_contract!`](crate::store_contract) turns it into tests of your store:
//!
//! ```
//! # use feathers_core::facade as feathers;
//! use feathers::Memory;
//! use feathers_testing::{Note, Person, store_contract};
//!
//! store_contract! {
//!     memory,
//!     people: async || Memory::<Person>::new(),
//!     notes: async || Memory::<Note>::new(),
//! }
//! ```
//!
//! [`constraint_contract!`](crate::constraint_contract) does the same for what a store keeps true of all records, and
//! [`type_contract!`](crate::type_contract) for the types of fields.
//!
//! The two expressions make a fresh, empty store each time they are called: one of [`Person`] with
//! numbers as ids, one of [`Note`](crate::Note) with texts. The tests use several tasks and need tokio with
//! the features `macros` and `rt-multi-thread`.

pub mod aggregates;
pub mod cascades;
pub mod commits;
pub mod constraint_histories;
pub mod differential;
pub mod ids;
pub mod queries;
pub mod references;
pub mod types;
pub mod unique;
pub mod writes;

use feathers_core::{Query, QueryOptions, Record, Result};
use serde_json::Value;

use crate::{Person, PersonData, PersonPatch};

/// Turns the contract of stores into tests of one store; see the module [`store`](crate::store).
#[macro_export]
macro_rules! store_contract {
    ($name:ident, people: $people:expr, notes: $notes:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expressions may need what is in scope")]
            use super::*;

            $crate::store_contract!(@cases $people, queries: operators null_and_missing inside_json combinations
                types_do_not_mix sorting paging a_few_per_key);
            $crate::store_contract!(@cases $people, writes: create_returns_what_is_stored create_is_all_or_nothing
                update_replaces patch_changes_what_is_named patch_tests_before_it_changes remove_returns_what_was_there
                numbers_must_be_finite texts_are_only_texts);
            $crate::store_contract!(@cases $people, ids: numbers_start_at_one numbers_are_not_used_twice
                numbers_that_clients_cannot_tell_apart_are_refused large_numbers_harm_no_later_create
                numbers_are_found_by_their_text numbers_give_the_order);
            $crate::store_contract!(@cases $notes, ids: texts_are_made_in_order texts_are_found_as_they_are
                texts_are_in_the_order_of_creation);
            $crate::store_contract!(@cases $notes, writes: update_keeps_what_clients_may_not_set);
            $crate::store_contract!(@cases $people, commits: places_are_counted places_are_in_the_order_of_commits
                images_are_of_before_and_after concurrent_writers_lose_nothing
                a_commit_can_refuse_a_write);
            $crate::store_contract!(@cases $people, aggregates: totals_are_of_what_matches totals_of_nothing
                groups_are_in_order sums_do_not_overflow fields_that_cannot_be_computed);
            $crate::store_contract!(@cases $people, differential: same_results_as_memory);
        }
    };
    (@cases $make:expr, $module:ident: $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let service = ($make)().await;
                $crate::store::$module::$case(service.store()).await;
            }
        )*
    };
}

/// Turns the contract of types into tests of one store: 10,000 random queries on a record with every type.
///
/// The expression makes a fresh, empty store of [`Everything`](crate::Everything) each time it is called.
#[macro_export]
macro_rules! type_contract {
    ($name:ident, everything: $everything:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need what is in scope")]
            use super::*;

            $crate::store_contract!(@cases $everything, types: same_queries_as_memory);
        }
    };
}

/// Turns the contract of constraints into tests of one store; see the module [`store`](crate::store).
///
/// The expression makes a fresh, empty database each time it is called. Its `store` is called for [`Account`](crate::Account)
/// and for [`Org`](crate::Org), [`Worker`](crate::Worker) and [`Job`](crate::Job), which refer to each other.
#[macro_export]
macro_rules! constraint_contract {
    ($name:ident, database: $database:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need what is in scope")]
            use super::*;

            $crate::store_contract!(@cases async || ($database)().await.store::<$crate::Account>().await.unwrap(),
                unique: a_value_is_there_once a_value_is_free_again
                fields_are_unique_together case_is_ignored_where_it_is_said nulls_are_not_compared
                several_are_all_or_nothing one_of_many_at_once_succeeds);
            $crate::store_contract!(@cases async || ($database)().await.store::<$crate::Account>().await.unwrap(),
                constraint_histories: unique_values_are_kept_as_in_memory);
            $crate::constraint_contract!(@related $database, references: what_does_not_exist_is_refused what_is_needed_stays
                a_cascade_is_one_commit circles_go_together a_cascade_has_a_bound nothing_refers_to_what_is_gone
                a_write_keeps_its_references);
            $crate::constraint_contract!(@related $database, constraint_histories: references_are_kept_as_in_memory);

            #[::tokio::test]
            async fn clients_are_told_of_cascades() {
                let (orgs, workers, jobs) = $crate::constraint_contract!(@stores $database);
                $crate::store::cascades::clients_are_told_of_cascades(orgs, workers, jobs).await;
            }
        }
    };
    (@related $database:expr, $module:ident: $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (orgs, workers, jobs) = $crate::constraint_contract!(@stores $database);
                let (orgs, workers, jobs) = (orgs.store().clone(), workers.store().clone(), jobs.store().clone());
                $crate::store::$module::$case($crate::store::references::Related { orgs, workers, jobs }).await;
            }
        )*
    };
    // Those that refer to others first: the order does not matter.
    (@stores $database:expr) => {{
        let database = ($database)().await;
        let jobs = database.store::<$crate::Job>().await.unwrap();
        let workers = database.store::<$crate::Worker>().await.unwrap();
        (database.store::<$crate::Org>().await.unwrap(), workers, jobs)
    }};
}

/// Reads a query as the service would.
///
/// # Panics
/// If the query is not valid for the record.
fn query<R: Record>(query: Value) -> Query {
    let Value::Object(query) = query else { panic!("a query is an object") };
    Query::parse(&query, &R::schema(), &QueryOptions::default(), false).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Changes a query.
fn with(mut query: Query, change: impl FnOnce(&mut Query)) -> Query {
    change(&mut query);
    query
}

/// Returns what went well.
fn ok<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}

/// Returns the code of the error.
fn code<T: std::fmt::Debug>(result: Result<T>) -> u16 {
    match result {
        Ok(result) => panic!("expected an error, got {result:?}"),
        Err(error) => error.code(),
    }
}

/// Makes the data of a person.
fn person(name: &str, age: i64) -> PersonData {
    PersonData { name: name.to_owned(), age, ..PersonData::default() }
}

/// Makes a patch of a person from JSON.
fn patch(patch: Value) -> PersonPatch {
    serde_json::from_value(patch).unwrap_or_else(|error| panic!("{error}"))
}

fn ids(people: &[std::sync::Arc<Person>]) -> Vec<i64> {
    people.iter().map(|person| person.id).collect()
}
