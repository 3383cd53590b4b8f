//! Random users, records, moves and cuts against an oracle that knows what each client may know.
//!
//! Each text and each cost is a canary: a token that stands in no other record. Every frame is searched for tokens that
//! its client may not know, and at every quiet point what a client has made of its events is what it would find.
//! `FEATHERS_MODEL_FRAMES=1000000` makes the run longer.

mod sabotage;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use feathers_core::{Cursor, Delivery, Retention};
use serde_json::{Value, json};

use self::sabotage::Sabotage;
use super::support::{Client, World, tickets};

/// How many frames a run looks at.
fn frames() -> usize {
    std::env::var("FEATHERS_MODEL_FRAMES").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

const USERS: usize = 6;
const RECORDS: u64 = 24;
const QUIET: usize = 40;

#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    id: i64,
    org: i64,
    role: &'static str,
}

/// One change, as the server knows it.
struct Raw {
    name: &'static str,
    before: Option<Value>,
    after: Option<Value>,
}

/// One client.
struct Tab {
    /// `None` is an anonymous one.
    user: Option<usize>,
    client: Option<Client>,
    /// The last one that it has been told.
    cursor: Option<Cursor>,
    /// The number of the user's rights that its list was made with.
    rights: usize,
    state: BTreeMap<i64, Value>,
    /// Up to where it has read.
    raw: usize,
    /// It has come back and not read yet.
    resumed: bool,
}

struct Model {
    world: World,
    random: u64,
    sabotage: Sabotage,
    users: Vec<(User, usize)>,
    records: BTreeMap<i64, Value>,
    raw: Vec<Raw>,
    /// The records that have held a token.
    tokens: HashMap<String, Vec<Value>>,
    tabs: Vec<Tab>,
    count: usize,
    frames: usize,
}

/// Tells whether the rules of the support let a user read a record.
fn sees(user: Option<&User>, record: &Value) -> bool {
    let published = record["published"] == true;
    match user {
        Some(user) if user.role == "agent" => record["org"] == user.org || published,
        Some(user) => record["owner"] == user.id,
        None => published,
    }
}

fn sees_cost(user: Option<&User>) -> bool {
    user.is_some_and(|user| user.role == "agent")
}

fn masked(user: Option<&User>, record: &Value) -> Value {
    let mut record = record.clone();
    if !sees_cost(user)
        && let Some(object) = record.as_object_mut()
    {
        object.remove("cost");
    }
    record
}

fn name_of(user: usize) -> String {
    format!("user {user}")
}

impl Model {
    async fn new(seed: u64, sabotage: Sabotage) -> Self {
        let world = World::start(|app| {
            tickets(app);
            let retention = Retention::default().count(1_000_000).bytes(1 << 30);
            app.retention(retention.age(Duration::from_secs(1_000_000)));
        })
        .await;
        let mut model = Self {
            world,
            random: seed | 1,
            sabotage,
            users: Vec::new(),
            records: BTreeMap::new(),
            raw: Vec::new(),
            tokens: HashMap::new(),
            tabs: Vec::new(),
            count: 0,
            frames: 0,
        };
        for number in 0..USERS {
            let user = model.user(number);
            model.users.push((user.clone(), 0));
            model.set(number, &user);
        }
        for number in 0..=USERS * 2 {
            let user = (number < USERS * 2).then_some(number % USERS);
            let client = model.open(user, None).await;
            let (cursor, state) = (Some(client.cursor()), BTreeMap::new());
            model.tabs.push(Tab { user, client: Some(client), cursor, rights: 0, state, raw: 0, resumed: false });
        }
        model
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn user(&mut self, number: usize) -> User {
        let role = if self.random(3) == 0 { "agent" } else { "customer" };
        User { id: i64::try_from(number).unwrap(), org: i64::try_from(self.random(2)).unwrap(), role }
    }

    fn set(&self, number: usize, user: &User) {
        let record = json!({ "id": user.id, "org": user.org, "role": user.role, "seen": self.count });
        self.world.set_user(&name_of(number), record);
    }

    async fn open(&self, user: Option<usize>, cursor: Option<Cursor>) -> Client {
        let client = match (user, cursor) {
            (Some(user), Some(cursor)) => self.world.client_since(&name_of(user), cursor).await,
            (Some(user), None) => self.world.client(&name_of(user)).await,
            (None, Some(cursor)) => self.world.anonymous_since(cursor).await,
            (None, None) => self.world.anonymous().await,
        };
        if user.is_none() {
            // Its replay waits for a login, which does not come.
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        client
    }

    fn of(&self, tab: usize) -> Option<&User> {
        self.tabs[tab].user.map(|user| &self.users[user].0)
    }

    fn token(&mut self, letter: char, id: i64) -> String {
        self.count += 1;
        format!("{letter}{id}x{}y", self.count)
    }

    /// Notes a change that the server has made.
    fn note(&mut self, name: &'static str, id: i64, after: Option<Value>) {
        let before = self.records.remove(&id);
        if let Some(record) = &after {
            for token in ["text", "cost"].iter().filter_map(|field| record[*field].as_str()) {
                self.tokens.entry(token.to_owned()).or_default().push(record.clone());
            }
            self.records.insert(id, record.clone());
        }
        self.raw.push(Raw { name, before, after });
    }

    async fn write(&mut self) {
        let id = i64::try_from(1 + self.random(RECORDS)).unwrap();
        let owner = self.random(USERS as u64);
        let Some(mut record) = self.records.get(&id).cloned() else {
            let (text, cost, org) = (self.token('T', id), self.token('C', id), self.random(2));
            let record = json!({ "id": id, "owner": owner, "org": org, "text": text, "cost": cost });
            self.world.create(record.clone()).await;
            return self.note("created", id, Some(record));
        };
        let patch = match self.random(9) {
            0 => {
                self.world.remove(id).await;
                return self.note("removed", id, None);
            }
            1 | 2 => json!({ "owner": owner }),
            3 => json!({ "org": self.random(2) }),
            4 => json!({ "published": self.random(2) == 0 }),
            5 => json!({ "cost": self.token('C', id) }),
            6 => json!({ "text": record["text"] }),
            7 => json!({ "owner": owner, "text": self.token('T', id), "cost": self.token('C', id) }),
            _ => json!({ "text": self.token('T', id) }),
        };
        self.world.patch(id, patch.clone()).await;
        if let (Some(record), Value::Object(patch)) = (record.as_object_mut(), patch) {
            record.extend(patch);
        }
        self.note("patched", id, Some(record));
    }

    fn change_user(&mut self) {
        let number = usize::try_from(self.random(USERS as u64)).unwrap();
        let user = self.user(number);
        let before = self.users[number].0.clone();
        self.users[number].0 = user.clone();
        // What a rule makes of a user: a customer has no organisation there.
        let differs = before.role != user.role || user.role == "agent" && before.org != user.org;
        self.count += 1;
        self.set(number, &user);
        if differs {
            self.users[number].1 += 1;
            for tab in self.tabs.iter_mut().filter(|tab| tab.user == Some(number)) {
                if let Some(client) = tab.client.take() {
                    assert!(client.connection().is_closed(), "rights have changed, and a connection goes on");
                }
            }
        }
        for tab in self.tabs.iter().filter(|tab| tab.user == Some(number)) {
            let goes_on = tab.client.as_ref().is_none_or(|client| !client.connection().is_closed());
            assert!(goes_on, "no right has changed, and a connection has ended");
        }
    }

    /// Cuts a connection, or brings its client back.
    async fn cut(&mut self) {
        let number = usize::try_from(self.random(self.tabs.len() as u64)).unwrap();
        self.cut_or_resume(number).await;
    }

    async fn cut_or_resume(&mut self, number: usize) {
        let tab = &mut self.tabs[number];
        if tab.client.take().is_some() {
            return;
        }
        let (user, cursor) = (tab.user, tab.cursor);
        let client = self.open(user, cursor).await;
        let tab = &mut self.tabs[number];
        (tab.client, tab.resumed) = (Some(client), true);
    }

    /// Reads what has come for a client, and checks all of it.
    async fn read(&mut self, number: usize) -> Result<(), String> {
        let Some(mut client) = self.tabs[number].client.take() else { return Ok(()) };
        let mut frames = Vec::new();
        let mut is_reset = false;
        while let Some(delivery) = client.events.try_next() {
            match delivery {
                Delivery::Event(event) => {
                    frames.push((event.name().to_string(), serde_json::from_slice(event.json()).unwrap()));
                }
                Delivery::Reset(_) => {
                    (is_reset, frames) = (true, Vec::new());
                }
                other => return Err(format!("{other:?}")),
            }
        }
        let resumed = std::mem::take(&mut self.tabs[number].resumed);
        let now = self.tabs[number].user.map_or(0, |user| self.users[user].1);
        let must_reset = resumed && self.tabs[number].rights != now;
        if is_reset != must_reset {
            return Err(format!("a reset: {is_reset}, but expected: {must_reset}"));
        }
        self.tabs[number].rights = now;
        if is_reset {
            self.tabs[number].state = self.find(&client).await;
            self.tabs[number].raw = self.raw.len();
            frames.clear();
        }
        self.spoil(number, resumed, &mut frames);
        let mut idle = self.idle_patches(number);
        self.frames += frames.len();
        for (name, data) in frames {
            self.check(number, &name, &data, &mut idle)?;
        }
        let tab = &mut self.tabs[number];
        (tab.raw, tab.cursor, tab.client) = (self.raw.len(), Some(client.cursor()), Some(client));
        Ok(())
    }

    /// Returns how often a record was patched without a change, since a client has read.
    fn idle_patches(&self, number: usize) -> HashMap<i64, usize> {
        let mut idle = HashMap::new();
        for raw in &self.raw[self.tabs[number].raw..] {
            if let Some(after) = raw.after.as_ref().filter(|_| raw.before == raw.after) {
                *idle.entry(after["id"].as_i64().unwrap()).or_default() += 1;
            }
        }
        idle
    }

    /// Does what a wrong server would.
    fn spoil(&self, number: usize, resumed: bool, frames: &mut Vec<(String, Value)>) {
        let user = self.of(number);
        let news = &self.raw[self.tabs[number].raw..];
        let record = |raw: &Raw| raw.after.clone().or_else(|| raw.before.clone()).unwrap_or_default();
        match self.sabotage {
            Sabotage::None => {}
            Sabotage::NoRuleOnReplay if !resumed => {}
            Sabotage::NoRule | Sabotage::NoRuleOnReplay => {
                frames.extend(news.iter().map(|raw| (raw.name.to_owned(), masked(user, &record(raw)))));
            }
            Sabotage::LeaveWithData => {
                for (_, data) in
                    frames.iter_mut().filter(|(name, data)| name == "removed" && data.get("text").is_none())
                {
                    let of_it = |raw: &&Raw| record(raw)["id"] == data["id"];
                    if let Some(raw) = news.iter().rev().find(of_it) {
                        *data = masked(user, &record(raw));
                    }
                }
            }
            Sabotage::OutOfSight => {
                for raw in news.iter().filter(|raw| raw.name == "patched" && raw.before != raw.after) {
                    let record = record(raw);
                    let alike = masked(None, raw.before.as_ref().unwrap_or(&Value::Null)) == masked(None, &record);
                    if alike && sees(user, &record) && !sees_cost(user) {
                        frames.push(("patched".to_owned(), masked(user, &record)));
                    }
                }
            }
            Sabotage::NoMask => {
                for (_, data) in frames.iter_mut().filter(|(name, _)| name != "removed") {
                    if let Some(record) = self.records.get(&data["id"].as_i64().unwrap()) {
                        *data = record.clone();
                    }
                }
            }
        }
    }

    /// Checks one frame, and lets the client keep it.
    fn check(&mut self, number: usize, name: &str, data: &Value, idle: &mut HashMap<i64, usize>) -> Result<(), String> {
        let user = self.of(number).cloned();
        let text = data.to_string();
        for token in
            text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|token| self.tokens.contains_key(*token))
        {
            let is_known = self.tokens[token].iter().any(|record| sees(user.as_ref(), record));
            if !is_known || token.starts_with('C') && !sees_cost(user.as_ref()) {
                return Err(format!("{name} {text} tells {user:?} of {token}"));
            }
        }
        let id = data["id"].as_i64().ok_or("a frame without an id")?;
        let state = &mut self.tabs[number].state;
        match name {
            "created" if state.contains_key(&id) => return Err(format!("{text} was there already")),
            "created" => drop(state.insert(id, data.clone())),
            "patched" => {
                let before = state.insert(id, data.clone()).ok_or(format!("{text} was not there"))?;
                if before == *data {
                    let left = idle.get_mut(&id).filter(|left| **left > 0);
                    *left.ok_or(format!("{text} says nothing new"))? -= 1;
                }
            }
            "removed" => drop(state.remove(&id).ok_or(format!("{text} was not there"))?),
            other => return Err(format!("an event {other}")),
        }
        Ok(())
    }

    async fn find(&self, client: &Client) -> BTreeMap<i64, Value> {
        client.find().await.into_iter().map(|record| (record["id"].as_i64().unwrap(), record)).collect()
    }

    /// Lets all clients read everything, and compares what they have with what they would find.
    async fn settle(&mut self) -> Result<(), String> {
        for number in 0..self.tabs.len() {
            if self.tabs[number].client.is_none() {
                self.cut_or_resume(number).await;
            }
            self.read(number).await?;
            let Some(client) = &self.tabs[number].client else { continue };
            let found = self.find(client).await;
            let expected: BTreeMap<i64, Value> = self
                .records
                .iter()
                .filter(|(_, record)| sees(self.of(number), record))
                .map(|(id, record)| (*id, masked(self.of(number), record)))
                .collect();
            if found != expected {
                return Err(format!("{:?} finds {found:?} and not {expected:?}", self.of(number)));
            }
            if self.tabs[number].state != expected {
                return Err(format!("{:?} has {:?} and not {expected:?}", self.of(number), self.tabs[number].state));
            }
        }
        Ok(())
    }

    async fn run(&mut self, frames: usize) -> Result<(), String> {
        let mut turn = 0;
        while self.frames < frames {
            turn += 1;
            match self.random(20) {
                0 | 1 => self.cut().await,
                2 if self.random(4) == 0 => self.change_user(),
                2 | 3 => {
                    let number = usize::try_from(self.random(self.tabs.len() as u64)).unwrap();
                    self.read(number).await?;
                }
                _ => self.write().await,
            }
            if turn % QUIET == 0 {
                self.settle().await?;
            }
        }
        self.settle().await
    }
}

#[tokio::test(start_paused = true)]
async fn clients_know_what_they_may_find_and_nothing_else() {
    for seed in [7, 20_260_101, 987_654_321] {
        let mut model = Model::new(seed, Sabotage::None).await;
        if let Err(leak) = model.run(frames() / 3 + 1).await {
            panic!("seed {seed}, after {} frames: {leak}", model.frames);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_model_notices_what_a_server_does_wrong() {
    for sabotage in
        [Sabotage::NoRule, Sabotage::NoRuleOnReplay, Sabotage::LeaveWithData, Sabotage::OutOfSight, Sabotage::NoMask]
    {
        let mut model = Model::new(3, sabotage).await;
        assert!(model.run(5_000).await.is_err(), "{sabotage:?} was not noticed");
    }
}
