//! The contract of presences: one suite of tests that every [`PresenceEngine`] must pass.
//!
//! [`presence_contract!`](crate::presence_contract) turns it into tests of your engine:
//!
//! ```
//! use feathers_core::facade::presence::LocalPresence;
//! use feathers_testing::presence_contract;
//!
//! presence_contract! {
//!     memory,
//!     engine: async || LocalPresence::default(),
//! }
//! ```
//!
//! The expression makes a fresh engine without users each time it is called. The tests use several tasks and need tokio
//! with the features `macros` and `rt-multi-thread`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::facade::presence::{PresenceEngine, PresenceEvent, Seat};
use feathers_core::{Payload, Result};
use serde_json::json;

/// Turns the contract of presences into tests of one engine; see [`presence`](mod@crate::presence).
#[macro_export]
macro_rules! presence_contract {
    ($name:ident, engine: $engine:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need what is in scope")]
            use super::*;

            $crate::presence_contract!(@cases $engine, a_user_comes_with_the_first_seat_and_goes_with_the_last
                seats_of_several_processes_count_together a_seat_has_one_user what_is_repeated_is_nothing
                a_process_that_ends_leaves_its_seats users_are_listed_as_they_came
                events_of_a_user_are_in_the_order_of_what_happens);
        }
    };
    (@cases $make:expr, $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let engine = ($make)().await;
                $crate::presence::$case(&::std::sync::Arc::new(engine)).await;
            }
        )*
    };
}

/// Returns what went well.
fn ok<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}

/// What an engine has told: `+ann` and `-ann`.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn tell(&self, event: &PresenceEvent) {
        let (sign, shown) = match event {
            PresenceEvent::Came(shown) => ('+', shown),
            PresenceEvent::Went(shown) => ('-', shown),
            other => panic!("unexpected {other:?}"),
        };
        let name = ok(shown.value())["name"].as_str().unwrap_or_default().to_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{sign}{name}"));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn shown(name: &str) -> Payload {
    json!({ "name": name }).into()
}

async fn come(engine: &impl PresenceEngine, told: &Told, (process, connection): (u128, u64), user: &str) {
    let seat = Seat::new(process, connection);
    ok(engine.come(seat, user, shown(user), &|event| told.tell(&event)).await);
}

async fn go(engine: &impl PresenceEngine, told: &Told, (process, connection): (u128, u64)) {
    ok(engine.go(Seat::new(process, connection), &|event| told.tell(&event)).await);
}

async fn names(engine: &impl PresenceEngine) -> Vec<String> {
    let found = ok(engine.find().await);
    found.iter().map(|shown| ok(shown.value())["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[doc(hidden)]
pub async fn a_user_comes_with_the_first_seat_and_goes_with_the_last(engine: &Arc<impl PresenceEngine>) {
    let told = Told::default();
    come(&**engine, &told, (1, 1), "ann").await;
    come(&**engine, &told, (1, 2), "ann").await;
    assert_eq!((told.take(), names(&**engine).await), (vec!["+ann".to_owned()], vec!["ann".to_owned()]));
    go(&**engine, &told, (1, 1)).await;
    assert_eq!((told.take().len(), names(&**engine).await.len()), (0, 1));
    go(&**engine, &told, (1, 2)).await;
    assert_eq!((told.take(), names(&**engine).await.len()), (vec!["-ann".to_owned()], 0));
}

#[doc(hidden)]
pub async fn seats_of_several_processes_count_together(engine: &Arc<impl PresenceEngine>) {
    let told = Told::default();
    // The same number, in two processes.
    come(&**engine, &told, (1, 7), "ann").await;
    come(&**engine, &told, (2, 7), "ann").await;
    go(&**engine, &told, (1, 7)).await;
    assert_eq!(told.take(), ["+ann"]);
    go(&**engine, &told, (2, 7)).await;
    assert_eq!(told.take(), ["-ann"]);
}

#[doc(hidden)]
pub async fn a_seat_has_one_user(engine: &Arc<impl PresenceEngine>) {
    let told = Told::default();
    come(&**engine, &told, (1, 1), "ann").await;
    come(&**engine, &told, (1, 1), "bob").await;
    assert_eq!(
        (told.take(), names(&**engine).await),
        (["+ann", "-ann", "+bob"].map(str::to_owned).to_vec(), vec!["bob".to_owned()])
    );
}

#[doc(hidden)]
pub async fn what_is_repeated_is_nothing(engine: &Arc<impl PresenceEngine>) {
    let told = Told::default();
    go(&**engine, &told, (1, 1)).await;
    come(&**engine, &told, (1, 1), "ann").await;
    come(&**engine, &told, (1, 1), "ann").await;
    assert_eq!(told.take(), ["+ann"]);
    go(&**engine, &told, (1, 1)).await;
    go(&**engine, &told, (1, 1)).await;
    assert_eq!(told.take(), ["-ann"]);
}

#[doc(hidden)]
pub async fn a_process_that_ends_leaves_its_seats(engine: &Arc<impl PresenceEngine>) {
    let told = Told::default();
    come(&**engine, &told, (1, 1), "ann").await;
    come(&**engine, &told, (2, 1), "ann").await;
    come(&**engine, &told, (1, 2), "bob").await;
    told.take();
    ok(engine.end(1, &|event| told.tell(&event)).await);
    assert_eq!((told.take(), names(&**engine).await), (vec!["-bob".to_owned()], vec!["ann".to_owned()]));
}

#[doc(hidden)]
pub async fn users_are_listed_as_they_came(engine: &Arc<impl PresenceEngine>) {
    let told = Told::default();
    for (seat, user) in [(1, "carl"), (2, "ann"), (3, "bob"), (4, "carl")] {
        come(&**engine, &told, (1, seat), user).await;
    }
    assert_eq!(names(&**engine).await, ["carl", "ann", "bob"]);
    go(&**engine, &told, (1, 1)).await;
    assert_eq!(names(&**engine).await, ["carl", "ann", "bob"]);
    go(&**engine, &told, (1, 4)).await;
    come(&**engine, &told, (1, 5), "carl").await;
    assert_eq!(names(&**engine).await, ["ann", "bob", "carl"]);
    // The user keeps the profile that was made at the first connection.
    let other = json!({ "name": "another ann" });
    ok(engine.come(Seat::new(1, 6), "ann", other.into(), &|event| told.tell(&event)).await);
    assert_eq!(names(&**engine).await, ["ann", "bob", "carl"]);
}

#[doc(hidden)]
pub async fn events_of_a_user_are_in_the_order_of_what_happens(engine: &Arc<impl PresenceEngine + 'static>) {
    const USERS: [&str; 2] = ["ann", "bob"];
    let told = Told::default();
    let tasks: Vec<_> = (0_u64..8)
        .map(|task| {
            let (engine, told) = (engine.clone(), told.clone());
            tokio::spawn(async move {
                for turn in 0..100 {
                    let seat = (u128::from(task % 3), task);
                    come(&*engine, &told, seat, USERS[turn % 2]).await;
                    tokio::task::yield_now().await;
                    if turn % 3 != 0 {
                        go(&*engine, &told, seat).await;
                    }
                }
                go(&*engine, &told, (u128::from(task % 3), task)).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(names(&**engine).await, [""; 0]);
    let mut here: HashMap<String, bool> = HashMap::new();
    for event in told.take() {
        let (sign, name) = event.split_at(1);
        let before = here.insert(name.to_owned(), sign == "+").unwrap_or_default();
        assert_ne!(before, sign == "+", "{event} twice in a row");
    }
    assert!(here.values().all(|here| !here), "{here:?}");
}
