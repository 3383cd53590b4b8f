//! What bounds the log: the age of events, and how much of it one caller may fill.

use std::net::IpAddr;
use std::time::Duration;

use feathers_core::{Call, Encoding, Error, Params};

use super::*;

/// Calls from an address, with this data.
async fn call(app: &AppHandle, address: &str, data: Value) -> Result<(), Error> {
    let mut params = Params::new();
    params.provider = Some(Provider::REST);
    params.address = Some(address.parse::<IpAddr>().unwrap());
    let route = app.lookup("ev", Encoding::Plain)?.unwrap();
    app.call(Call { route, method: Method::Create, id: None, data: data.into(), params }).await.map(drop)
}

/// Calls until a refusal; returns the number of calls that were accepted, and the refusal.
async fn fill(app: &AppHandle, address: &str, most: usize) -> (usize, Option<Error>) {
    for count in 0..most {
        if let Err(error) = call(app, address, json!({ "to": "home", "n": 1 })).await {
            return (count, Some(error));
        }
    }
    (most, None)
}

async fn small() -> AppHandle {
    app(&["home"], Retention::default().count(100), None).await
}

#[tokio::test(start_paused = true)]
async fn one_caller_does_not_push_out_the_events_of_others() {
    let app = small().await;
    // A single caller in a quiet app is not limited.
    assert_eq!(fill(&app, "10.0.0.1", 300).await.0, 300);
    let before = app.log().head();
    assert_eq!(fill(&app, "10.0.0.2", 10).await.0, 10);
    tokio::time::advance(Duration::from_secs(590)).await;
    // Its own 90 events are pushed out; the next one would push out an event of the other caller.
    let (count, refusal) = fill(&app, "10.0.0.1", 300).await;
    let refusal = refusal.unwrap();
    assert_eq!((count, refusal.code(), refusal.retry_after()), (90, 429, Some(Duration::from_secs(10))));
    assert_eq!(app.log().oldest().seq(), before.seq(), "the other one's are all there");
    let many = (0..90).map(|n| json!({ "to": "home", "n": n })).collect::<Vec<_>>();
    assert_eq!(call(&app, "10.0.0.3", many.into()).await.unwrap_err().code(), 429, "at once is no way either");
    // Events that are too old count for no caller.
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(fill(&app, "10.0.0.1", 5).await.0, 5);
    assert_eq!(fill(&app, "10.0.0.3", 5).await.0, 5);
    publish(&app, "home", 1).await;
    // The network of an address of IPv6 is one caller.
    assert_eq!(fill(&app, "2001:db8::1", 20).await.0, 20);
    let (count, refusal) = fill(&app, "2001:db8::2", 20).await;
    assert_eq!((count, refusal.unwrap().code()), (5, 429));
}

#[tokio::test(start_paused = true)]
async fn bytes_count_as_events_do() {
    let app = app(&["home"], Retention::default().bytes(100_000), None).await;
    let large = || json!({ "to": "home", "n": 1, "text": "x".repeat(5_000) });
    publish(&app, "home", 1).await;
    let mut count = 0;
    let refusal = loop {
        match call(&app, "10.0.0.1", large()).await {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((count, refusal.code()), (19, 429));
    assert_eq!(app.log().oldest().seq(), 0, "the event of the server is there");
    assert_eq!(call(&app, "10.0.0.2", large()).await.map_err(|error| error.code()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_part_is_an_option() {
    let mut whole = App::new();
    whole.service("ev", Ev).publish(|_, app| app.channel("home"));
    whole.retention(Retention::default().count(100)).caller_percent(100);
    let whole = whole.start().await.unwrap();
    publish(&whole, "home", 1).await;
    assert_eq!(fill(&whole, "10.0.0.1", 300).await.0, 300);
    let mut wrong = App::new();
    wrong.caller_percent(101);
    assert_eq!(wrong.start().await.unwrap_err().message(), "`caller_percent` is at most 100, and not 101");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_gone_also_where_nothing_happens() {
    let app = plain().await;
    let start = app.log().head();
    // A slot without an event: its publisher panics.
    app.service("ev").unwrap().create(json!({ "to": 1 }), ()).await.unwrap();
    publish(&app, "home", 1).await;
    tokio::time::advance(Duration::from_secs(400)).await;
    publish(&app, "home", 2).await;
    tokio::time::advance(Duration::from_secs(201)).await;
    let (_session, mut events) = connect(&app, Since::Earliest).await;
    assert_eq!(read(&mut events), numbers(2..=2));
    let (_session, mut events) = connect(&app, Since::Cursor(start)).await;
    assert_eq!(read(&mut events), [Seen::Reset(ResetReason::Trimmed)]);
    // The memory is freed by itself.
    assert_eq!(app.log().len(), 1);
    tokio::time::sleep(Duration::from_secs(500)).await;
    assert_eq!(app.log().len(), 0);
}
