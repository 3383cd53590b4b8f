//! Random users, records and calls, against a model that says what each caller may read and do.
//!
//! Every answer is searched for what its caller may not read: the title of each record is a canary.

use std::collections::BTreeMap;

use super::*;

/// How many calls there are on each store.
const CALLS: usize = 2_500;

/// A small generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn int(&mut self, bound: i64) -> i64 {
        1 + i64::try_from(self.below(bound.unsigned_abs())).unwrap()
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.below(bound.into())).unwrap()
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// What each caller may do, said once more in other words than in the rules.
impl User {
    fn sees(&self, ticket: &Ticket) -> bool {
        if self.role == Role::Customer {
            ticket.requester_id == self.id
        } else {
            ticket.organisation_id == self.organisation_id
        }
    }

    fn may_patch(&self, ticket: &Ticket) -> bool {
        self.sees(ticket) && (self.role != Role::Customer || !ticket.closed)
    }
}

/// The records as they must be.
#[derive(Default)]
struct Model {
    tickets: BTreeMap<i64, Ticket>,
    last: i64,
}

impl Model {
    fn visible(&self, user: &User) -> Vec<Ticket> {
        self.tickets.values().filter(|ticket| user.sees(ticket)).cloned().collect()
    }

    fn answer(user: &User, ticket: &Ticket) -> Value {
        if !user.sees(ticket) {
            return json!({ "id": ticket.id });
        }
        let mut value = serde_json::to_value(ticket).unwrap();
        let object = value.as_object_mut().unwrap();
        object.remove("note");
        if user.role == Role::Customer {
            object.remove("cost");
        }
        value
    }
}

fn data(random: &mut Random, id: i64) -> Value {
    json!({
        "title": format!("canary-{id}-"),
        "requester_id": random.int(4),
        "organisation_id": random.int(2),
        "closed": random.one_in(3),
    })
}

fn apply(ticket: &Ticket, patch: &Value) -> Ticket {
    let mut value = serde_json::to_value(ticket).unwrap();
    for (name, new) in patch.as_object().unwrap() {
        value[name] = new.clone();
    }
    serde_json::from_value(value).unwrap()
}

/// Changes the tickets as the rules say: all of them, or none.
fn change(model: &mut Model, user: &User, targets: &[Ticket], patch: &Value) -> Result<Vec<Ticket>, u16> {
    let changed: Vec<Ticket> = targets.iter().map(|ticket| apply(ticket, patch)).collect();
    if targets.iter().chain(&changed).any(|ticket| !user.may_patch(ticket)) {
        return Err(403);
    }
    for ticket in &changed {
        model.tickets.insert(ticket.id, ticket.clone());
    }
    Ok(changed)
}

/// Makes one random call and returns what must be answered, and what is.
async fn call(
    random: &mut Random,
    model: &mut Model,
    user: &User,
    client: &Client,
) -> (Result<Value, u16>, Result<Value>, String) {
    let tickets = client.service("tickets");
    let id = random.int(model.last.max(1) + 1);
    let seen = model.tickets.get(&id).filter(|ticket| user.sees(ticket)).cloned();
    let one = |ticket: &Ticket| Model::answer(user, ticket);
    match random.below(9) {
        0 | 1 => {
            let (organisation, closed) = (random.int(2), random.one_in(2));
            let query = match random.below(4) {
                0 => json!({}),
                1 => json!({ "organisation_id": organisation }),
                2 => json!({ "$or": [{ "closed": closed }, { "requester_id": { "$gt": 2 } }] }),
                _ => json!({ "requester_id": { "$ne": 1 }, "closed": closed }),
            };
            let matches = |ticket: &Ticket| {
                query.get("organisation_id").is_none_or(|id| *id == ticket.organisation_id)
                    && query.get("$or").is_none_or(|_| ticket.closed == closed || ticket.requester_id > 2)
                    && query.get("requester_id").is_none_or(|_| ticket.requester_id != 1 && ticket.closed == closed)
            };
            let found: Vec<_> = model.visible(user).into_iter().filter(matches).collect();
            let (skip, limit) = (random.small(3), random.small(4));
            let page = found.iter().skip(usize::from(skip)).take(usize::from(limit)).map(one).collect::<Vec<_>>();
            let mut query = query.clone();
            (query["$skip"], query["$limit"], query["$sort"]) = (json!(skip), json!(limit), json!({ "id": 1 }));
            let expected = json!({ "total": found.len(), "limit": limit, "skip": skip, "data": page });
            (Ok(expected), tickets.query(query.clone()).find().await, format!("find {query}"))
        }
        2 => (seen.as_ref().map(one).ok_or(404), tickets.get(id).await, format!("get {id}")),
        3 => {
            let several = random.one_in(3);
            let new: Vec<Value> = (1..=if several { 2 } else { 1 }).map(|n| data(random, model.last + n)).collect();
            let made: Vec<Ticket> = (model.last + 1..)
                .zip(&new)
                .map(|(id, data)| {
                    let mut whole = data.clone();
                    (whole["id"], whole["cost"], whole["note"], whole["assignee_id"]) =
                        (json!(id), json!(0.0), json!(""), Value::Null);
                    serde_json::from_value(whole).unwrap()
                })
                .collect();
            let allowed = made.iter().all(|ticket| user.sees(ticket));
            if allowed {
                model.last += i64::try_from(made.len()).unwrap();
                model.tickets.extend(made.iter().map(|ticket| (ticket.id, ticket.clone())));
            }
            let sent = if several { Value::from(new) } else { new[0].clone() };
            let answers: Vec<Value> = made.iter().map(one).collect();
            let answer = if several { Value::from(answers) } else { answers[0].clone() };
            (if allowed { Ok(answer) } else { Err(403) }, tickets.create(sent.clone()).await, format!("create {sent}"))
        }
        4 | 5 => {
            let patch = match random.below(3) {
                0 => json!({ "closed": random.one_in(2) }),
                1 => json!({ "requester_id": random.int(4) }),
                _ => json!({ "organisation_id": random.int(2) }),
            };
            if random.one_in(4) {
                let expected = change(model, user, &model.visible(user), &patch);
                let expected = expected.map(|changed| changed.iter().map(one).collect::<Vec<_>>().into());
                return (expected, tickets.patch(None, patch.clone()).await, format!("patch all {patch}"));
            }
            let expected = match seen {
                Some(ticket) => change(model, user, &[ticket], &patch).map(|changed| one(&changed[0])),
                None => Err(404),
            };
            (expected, tickets.patch(Id::from(id), patch.clone()).await, format!("patch {id} {patch}"))
        }
        6 => {
            let expected = match &seen {
                None => Err(404),
                Some(_) if user.role != Role::Admin => Err(403),
                Some(ticket) => {
                    model.tickets.remove(&id);
                    Ok(one(ticket))
                }
            };
            // Without the right to the method at all, nothing is looked at.
            let expected = if user.role == Role::Admin { expected } else { Err(403) };
            (expected, tickets.remove(Id::from(id)).await, format!("remove {id}"))
        }
        7 => {
            let new = data(random, id);
            let expected = match seen {
                _ if !user.is_staff() => Err(403),
                None => Err(404),
                Some(old) => {
                    let mut ticket = apply(&old, &new);
                    (ticket.cost, ticket.assignee_id) = (0.0, None);
                    model.tickets.insert(id, ticket.clone());
                    Ok(one(&ticket))
                }
            };
            (expected, tickets.update(id, new.clone()).await, format!("update {id} {new}"))
        }
        _ => {
            let all: Vec<_> = model.visible(user).iter().map(one).collect();
            let first = model.tickets.values().next().filter(|ticket| user.sees(ticket)).map(one);
            (Ok(json!({ "tickets": all, "first": first })), tickets.call("list", json!({})).await, "list".to_owned())
        }
    }
}

async fn check(sqlite: bool, seed: u64) {
    let app = serve(sqlite, rules()).await;
    let (mut random, mut model) = (Random(seed), Model::default());
    let mut clients = Vec::new();
    for (id, organisation_id, role) in [
        (1, 1, Role::Customer),
        (2, 1, Role::Customer),
        (3, 2, Role::Customer),
        (8, 1, Role::Agent),
        (9, 2, Role::Agent),
        (10, 1, Role::Admin),
    ] {
        clients.push((User { id, organisation_id, role }, client(&app, id, organisation_id, role).await));
    }
    for step in 0..CALLS {
        let (user, client) = &clients[usize::try_from(random.below(6)).unwrap()];
        let before = model.visible(user);
        let (expected, answer, what) = call(&mut random, &mut model, user, client).await;
        let what = format!("seed {seed}, call {step} of {user:?}: {what}");
        let text = format!("{answer:?}");
        for ticket in
            model.tickets.values().filter(|ticket| !user.sees(ticket) && !before.iter().any(|own| own.id == ticket.id))
        {
            assert!(!text.contains(&format!("canary-{}-", ticket.id)), "{what} tells of {ticket:?}: {text}");
        }
        assert!(user.is_staff() || !text.contains("cost"), "{what} tells the cost: {text}");
        assert_eq!(answer.map_err(|error| error.code()), expected, "{what}");
        if step % 50 == 0 {
            let stored = app.typed::<Ticket>("tickets").unwrap().find(()).await.unwrap();
            assert_eq!(stored, model.tickets.values().cloned().collect::<Vec<_>>(), "{what}");
        }
    }
}

#[tokio::test]
async fn answers_and_records_are_those_of_the_model_in_memory() {
    check(false, 1).await;
    check(false, 2).await;
}

#[tokio::test]
async fn answers_and_records_are_those_of_the_model_in_sqlite() {
    check(true, 3).await;
    check(true, 4).await;
}
