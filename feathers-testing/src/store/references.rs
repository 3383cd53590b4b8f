//! References: what exists to which a record refers, and what becomes of those that refer to one that goes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use feathers_core::private::CommitProbe;
use feathers_core::{Commit, Error, Id, MAX_CHANGES, Query, Record, Result, Store, StoreContext};
use serde_json::{Value, json};

use super::{ok, query};
use crate::{Job, JobDraft, JobPatchDraft, Org, OrgDraft, Worker, WorkerDraft, WorkerPatchDraft};

const NONE: StoreContext<'_> = StoreContext::NONE;

/// The stores of one database.
#[derive(Debug)]
pub struct Related<O, W, J> {
    /// The organisations.
    pub orgs: Arc<O>,
    /// Their workers.
    pub workers: Arc<W>,
    /// Their jobs.
    pub jobs: Arc<J>,
}

async fn all<S: Store>(store: &Arc<S>) -> Vec<S::Record> {
    ok(store.find(&Query::default(), &NONE).await).records.iter().map(|record| S::Record::clone(record)).collect()
}

/// Everything that is stored, to be compared.
type State = (Vec<Org>, Vec<Worker>, Vec<Job>);

impl<O: Store<Record = Org>, W: Store<Record = Worker>, J: Store<Record = Job>> Related<O, W, J> {
    async fn state(&self) -> State {
        (all(&self.orgs).await, all(&self.workers).await, all(&self.jobs).await)
    }

    async fn ids(&self) -> (Vec<i64>, Vec<String>, Vec<i64>) {
        let (orgs, workers, jobs) = self.state().await;
        let orgs = orgs.iter().map(|org| org.id).collect();
        let workers = workers.into_iter().map(|worker| worker.id).collect();
        (orgs, workers, jobs.iter().map(|job| job.id).collect())
    }

    /// Makes two organisations; `ann` is the boss of `bob`, and `cid` is in the other one.
    async fn fill(&self) {
        let org = |name: &str| OrgDraft { id: None, name: Some(name.into()), head: None };
        ok(self.orgs.create(vec![org("one"), org("two")], &NONE).await);
        let workers = [("ann", 1, None), ("bob", 1, Some("ann")), ("cid", 2, None)];
        ok(self.workers.create(workers.map(|(id, org, boss)| WorkerDraft::of(id, org, boss)).to_vec(), &NONE).await);
    }

    async fn job(&self, org: i64, worker: &str) -> i64 {
        ok(self.jobs.create(vec![JobDraft::of(org, worker)], &NONE).await)[0].id
    }

    async fn boss(&self, worker: &str, boss: Option<&str>) {
        let patch = patch::<Worker>(json!({ "boss": boss }));
        ok(self.workers.patch(Some(&worker.into()), patch, &Query::default(), &NONE).await);
    }
}

fn patch<R: Record>(patch: Value) -> R::PatchDraft {
    serde_json::from_value(patch).unwrap_or_else(|error| panic!("{error}"))
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result {
        Ok(result) => panic!("expected an error, got {result:?}"),
        Err(error) => error,
    }
}

/// Fails unless it is the 400 that names the field.
fn missing<T: std::fmt::Debug>(result: Result<T>, field: &str, id: &str, target: &str) {
    let error = refused(result);
    let message = format!("'{field}' is '{id}', and no {target} has this id");
    assert_eq!((error.code(), error.message()), (400, &*message));
    let item = &error.data().and_then(Value::as_array).unwrap_or_else(|| panic!("{error:?}"))[0];
    assert_eq!((&item["instancePath"], &item["keyword"]), (&json!(format!("/{field}")), &json!("references")));
}

/// What commits say of other stores: what happened to which record.
fn told(commit: &Commit) -> Vec<String> {
    let of = |change: &feathers_core::StoreChange| {
        let id = change.change.id().unwrap_or_else(|| Id::from("none"));
        let what = if change.change.after().is_some() { "cleared" } else { "removed" };
        format!("{what} {id}")
    };
    commit.others().iter().map(of).collect()
}

/// A record that does not exist is a 400 that names the field, in every write, and nothing is changed.
pub async fn what_does_not_exist_is_refused<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    db.fill().await;
    let job = db.job(1, "ann").await;
    let before = db.state().await;
    let several = vec![JobDraft::of(1, "ann"), JobDraft::of(7, "ann")];
    missing(db.jobs.create(several, &NONE).await, "org", "7", "Org");
    missing(db.jobs.create(vec![JobDraft::of(1, "dan")], &NONE).await, "worker", "dan", "Worker");
    let signed = JobDraft { signed_by: Some("eve".into()), ..JobDraft::of(1, "ann") };
    missing(db.jobs.create(vec![signed.clone()], &NONE).await, "signed_by", "eve", "Worker");
    missing(db.jobs.update(&job.into(), signed, &Query::default(), &NONE).await, "signed_by", "eve", "Worker");
    let gone = || patch::<Job>(json!({ "worker": "dan" }));
    missing(db.jobs.patch(Some(&job.into()), gone(), &Query::default(), &NONE).await, "worker", "dan", "Worker");
    let filter = query::<Job>(json!({ "worker": "ann" }));
    missing(db.jobs.patch(None, gone(), &filter, &NONE).await, "worker", "dan", "Worker");
    missing(db.workers.create(vec![WorkerDraft::of("x", 1, Some("y"))], &NONE).await, "boss", "y", "Worker");
    assert_eq!(db.state().await, before);

    // The same record, one before it in the same call, and `null` are all there.
    let team =
        vec![WorkerDraft::of("x", 1, Some("x")), WorkerDraft::of("y", 1, Some("x")), WorkerDraft::of("z", 1, None)];
    ok(db.workers.create(team, &NONE).await);
    let both = patch::<Job>(json!({ "worker": "cid", "checked_by": "ann", "signed_by": null }));
    ok(db.jobs.patch(Some(&job.into()), both, &Query::default(), &NONE).await);
    ok(db.jobs.update(&job.into(), JobDraft::of(2, "bob"), &Query::default(), &NONE).await);
}

/// As long as a record refers to it, one cannot be removed, unless the other one goes as well.
pub async fn what_is_needed_stays<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    db.fill().await;
    let (own, other) = (db.job(1, "ann").await, db.job(1, "cid").await);
    let before = db.state().await;
    for result in [
        db.orgs.remove(Some(&1.into()), &Query::default(), &NONE).await,
        db.orgs.remove(None, &query::<Org>(json!({ "name": "one" })), &NONE).await,
    ] {
        let error = refused(result);
        let message = "A Job refers to this Org by 'org', and it cannot be removed before";
        assert_eq!((error.code(), error.message()), (409, message));
        let item = &error.data().and_then(Value::as_array).unwrap_or_else(|| panic!("{error:?}"))[0];
        assert_eq!(item["params"], json!({ "record": "Job", "field": "org" }));
        assert_eq!(db.state().await, before);
    }
    ok(db.jobs.remove(Some(&other.into()), &Query::default(), &NONE).await);
    let commit = Commit::recording();
    let removed = db.orgs.remove(Some(&1.into()), &Query::default(), &NONE.with_commit(&commit)).await;
    assert_eq!(ok(removed).len(), 1);
    assert_eq!(told(&commit), [format!("removed {own}"), "removed bob".into(), "removed ann".into()]);
    assert_eq!(db.ids().await, (vec![2], vec!["cid".to_owned()], vec![]));
}

/// What refers to a record goes with it, in one commit, those that refer to others first; or its fields become `null`.
pub async fn a_cascade_is_one_commit<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    db.fill().await;
    let of_bob = db.job(2, "bob").await;
    let of_cid = db.job(2, "cid").await;
    let looked_at = patch::<Job>(json!({ "checked_by": "ann", "signed_by": "bob" }));
    ok(db.jobs.patch(None, looked_at, &Query::default(), &NONE).await);
    let head = patch::<Org>(json!({ "head": "bob" }));
    ok(db.orgs.patch(None, head, &Query::default(), &NONE).await);

    let probe = CommitProbe::default();
    let mut commit = probe.commit();
    let removed = db.workers.remove(Some(&"ann".into()), &Query::default(), &NONE.with_commit(&commit)).await;
    assert_eq!(ok(removed).iter().map(|worker| &*worker.id).collect::<Vec<_>>(), ["ann"]);
    let mut told = told(&commit);
    assert_eq!(told.split_off(3), [format!("removed {of_bob}"), "removed bob".to_owned()]);
    told.sort();
    assert_eq!(told, ["cleared 1".to_owned(), "cleared 2".to_owned(), format!("cleared {of_cid}")]);
    for other in commit.others() {
        let job = |image: Option<&feathers_core::Image>| image.and_then(|image| image.record::<Job>().cloned());
        if let Some(before) = job(other.change.before()).filter(|job| job.id == of_cid) {
            assert_eq!(before.checked_by.as_deref(), Some("ann"));
            assert_eq!(job(other.change.after()), Some(Job { checked_by: None, signed_by: None, ..before }));
            assert!(Some(&other.store) == db.jobs.store_id().as_ref());
        }
    }
    commit = Commit::none();
    assert!(commit.others().is_empty());
    assert_eq!(probe.freed(), 6, "a place for each event");

    let (orgs, workers, jobs) = db.state().await;
    assert!(orgs.iter().all(|org| org.head.is_none()));
    assert_eq!(workers.len(), 1);
    assert_eq!(jobs, [Job { id: of_cid, org: 2, worker: "cid".into(), checked_by: None, signed_by: None }]);
}

/// Records that refer to each other in a circle go together, and so do several that are asked for at once.
pub async fn circles_go_together<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    db.fill().await;
    db.boss("ann", Some("bob")).await;
    db.boss("cid", Some("cid")).await;
    db.job(1, "bob").await;
    let commit = Commit::recording();
    let removed = db.workers.remove(Some(&"ann".into()), &Query::default(), &NONE.with_commit(&commit)).await;
    assert_eq!(ok(removed)[0].boss.as_deref(), Some("bob"), "as it was before");
    assert_eq!(told(&commit), ["removed 1", "removed bob"]);
    ok(db.workers.remove(Some(&"cid".into()), &Query::default(), &NONE).await);
    assert_eq!(db.ids().await, (vec![1, 2], vec![], vec![]));

    ok(db.workers.create(vec![WorkerDraft::of("a", 1, None), WorkerDraft::of("b", 1, Some("a"))], &NONE).await);
    let commit = Commit::recording();
    let removed = ok(db.workers.remove(None, &Query::default(), &NONE.with_commit(&commit)).await);
    assert_eq!(removed.iter().map(|worker| &*worker.id).collect::<Vec<_>>(), ["a", "b"], "in the store's own order");
    assert!(commit.others().is_empty(), "both were asked for");
    assert_eq!(ok(db.workers.remove(Some(&"a".into()), &Query::default(), &NONE).await).len(), 0);
}

/// As many records as one commit may change go at once; with one more nothing does.
pub async fn a_cascade_has_a_bound<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    db.fill().await;
    // A hundred of them each the boss of the next, and each of those the boss of many.
    let name = |number: usize| format!("w{number}");
    let boss = |number: usize| match number {
        0 => "cid".to_owned(),
        1..100 => name(number - 1),
        _ => name(number % 100),
    };
    let workers = (0..MAX_CHANGES).map(|number| WorkerDraft::of(&name(number), 1, Some(&boss(number))));
    ok(db.workers.create(workers.collect(), &NONE).await);
    let error = refused(db.workers.remove(Some(&"cid".into()), &Query::default(), &NONE).await);
    let message = "more than 10000 records would change with those that refer to them: remove fewer at once";
    assert_eq!((error.code(), error.message()), (400, message));
    assert_eq!(all(&db.workers).await.len(), MAX_CHANGES + 3);

    let commit = Commit::recording();
    ok(db.workers.remove(Some(&"w0".into()), &Query::default(), &NONE.with_commit(&commit)).await);
    let told = told(&commit);
    let places: HashMap<_, _> = told.iter().enumerate().map(|(place, line)| (&**line, place)).collect();
    let place = |name: &str| places.get(&*format!("removed {name}")).copied();
    assert_eq!(places.len(), MAX_CHANGES - 1);
    assert!((1..MAX_CHANGES).all(|number| place(&name(number)).is_some_and(|own| {
        let boss = boss(number);
        boss == "w0" || place(&boss).is_some_and(|boss| own < boss)
    })));
    assert_eq!(all(&db.workers).await.len(), 3);
}

/// Where one creates what refers to a record and another removes it at the same time, nothing refers to what is gone.
pub async fn nothing_refers_to_what_is_gone<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    db.fill().await;
    for round in 0..20 {
        let name = format!("w{round}");
        ok(db.workers.create(vec![WorkerDraft::of(&name, 1, None)], &NONE).await);
        let (jobs, own) = (db.jobs.clone(), name.clone());
        let creating = tokio::spawn(async move {
            for _ in 0..10 {
                if let Err(error) = jobs.create(vec![JobDraft::of(1, &own)], &NONE).await {
                    return missing::<()>(Err(error), "worker", &own, "Worker");
                }
            }
        });
        let workers = db.workers.clone();
        let removing = tokio::spawn(async move {
            tokio::task::yield_now().await;
            ok(workers.remove(Some(&name.into()), &Query::default(), &NONE).await);
        });
        for task in [creating, removing] {
            task.await.unwrap_or_else(|error| panic!("{error}"));
        }
        let (_, workers, jobs) = db.state().await;
        let known: HashSet<_> = workers.into_iter().map(|worker| worker.id).collect();
        assert!(jobs.iter().all(|job| known.contains(&job.worker)), "{jobs:?}");
    }
}

/// A patch of a worker keeps what it does not name, also what it refers to.
pub async fn a_write_keeps_its_references<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    db.fill().await;
    let moved = WorkerPatchDraft { org: Some(2), ..WorkerPatchDraft::default() };
    let patched = ok(db.workers.patch(Some(&"bob".into()), moved, &Query::default(), &NONE).await);
    assert_eq!((patched[0].org, patched[0].boss.as_deref()), (2, Some("ann")));
    ok(db.orgs.remove(Some(&2.into()), &Query::default(), &NONE).await);
    assert_eq!(db.ids().await, (vec![1], vec!["ann".to_owned()], vec![]));
    let job = JobPatchDraft { checked_by: Some(None), ..JobPatchDraft::default() };
    assert_eq!(ok(db.jobs.patch(None, job, &Query::default(), &NONE).await).len(), 0);
}
