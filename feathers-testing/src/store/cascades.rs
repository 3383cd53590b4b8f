//! Cascades as clients see them: an event for each record, in the order of the commit, and nothing of its service's hooks.

use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::{App, Context, Crud, Error, Store};
use serde_json::json;

use super::ok;
use crate::{Client, Job, Org, Worker};

/// What was heard, in its order.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Each record that goes or changes with another one has its event, before that of the other one, whatever the service of
/// the other one publishes and its hooks say. The hooks of its own service do not run.
pub async fn clients_are_told_of_cascades<O, W, J>(orgs: Crud<O>, workers: Crud<W>, jobs: Crud<J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    let (heard, written) = (Lines::default(), Lines::default());
    let (hearing, writing) = (heard.clone(), written.clone());
    let mut app = App::new();
    app.on_connect(|connection, app| app.channel("all").join(connection));
    // Nobody hears of organisations, and what comes after their removal fails.
    app.service("orgs", orgs).after("remove", async |_: &mut Context| Err(Error::general("too late")));
    app.service("workers", workers).publish(|_, app| app.channel("all"));
    app.service("jobs", jobs)
        .before(["remove", "patch"], async |_: &mut Context| Err(Error::forbidden("a hook of the jobs has run")))
        .on_event("removed", move |publication, _| {
            assert!(publication.call.is_none(), "no call of this service has caused it");
            let id = publication.data.value().map(|data| data["id"].to_string()).unwrap_or_default();
            hearing.push(id);
        })
        .publish(|_, app| app.channel("all"));
    app.on_write("jobs", move |write, _| {
        let id = write.id.map(ToString::to_string).unwrap_or_default();
        writing.push(format!("{} {id}", write.method));
    });
    let app = ok(app.start().await);
    let service = |path| ok(app.service(path));
    ok(service("orgs").create(json!({}), ()).await);
    ok(service("orgs").create(json!({}), ()).await);
    for (id, boss) in [("ann", None), ("bob", Some("ann"))] {
        ok(service("workers").create(json!({ "id": id, "org": 1, "boss": boss }), ()).await);
    }
    ok(service("workers").create(json!({ "id": "cid", "org": 2 }), ()).await);
    ok(service("jobs").create(json!({ "org": 1, "worker": "bob", "checked_by": "cid" }), ()).await);
    ok(service("jobs").create(json!({ "org": 2, "worker": "cid", "checked_by": "ann" }), ()).await);
    written.take();

    let mut client = Client::connect(&app).await;
    let failed = client.service("orgs").remove(Some(1.into())).await;
    assert_eq!(failed.map_err(|error| error.message().to_owned()), Err("too late".to_owned()));
    let mut told = Vec::new();
    for _ in 0..4 {
        let event = client.event().await;
        told.push((event.name(), event.data["id"].clone()));
    }
    let expected = [
        ("jobs patched", json!(2)),
        ("jobs removed", json!(1)),
        ("workers removed", json!("bob")),
        ("workers removed", json!("ann")),
    ];
    assert_eq!(told, expected.map(|(name, id)| (name.to_owned(), id)));
    assert_eq!(heard.take(), ["1"]);
    assert_eq!(written.take(), ["patch 2", "remove 1"]);
    let left = ok(service("jobs").get(2, ()).await);
    assert_eq!(ok(left.value())["checked_by"], json!(null));

    // Of the one that is removed the event comes last.
    ok(client.service("workers").remove(Some("cid".into())).await);
    let told = [client.event().await.name(), client.event().await.name()];
    assert_eq!(told, ["jobs removed", "workers removed"]);
    assert!(client.events().is_empty());
}
