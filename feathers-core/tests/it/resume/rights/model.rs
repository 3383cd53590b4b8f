//! Random histories of permissions against a model of the user.

use proptest::test_runner::TestCaseError;

use super::*;

/// What happens to one user with two clients.
#[derive(Clone, Debug)]
enum Turn {
    Publish(usize),
    Grant(usize),
    Withdraw(usize),
    Read(usize, usize),
    Cut(usize),
    Deny(usize),
    Revoke,
    Resume(usize),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        6 => (0..3_usize).prop_map(Turn::Publish),
        1 => (0..3_usize).prop_map(Turn::Grant),
        1 => (0..3_usize).prop_map(Turn::Withdraw),
        2 => (0..2_usize, 0..20_usize).prop_map(|(client, most)| Turn::Read(client, most)),
        1 => (0..2_usize).prop_map(Turn::Cut),
        1 => (0..2_usize).prop_map(Turn::Deny),
        1 => Just(Turn::Revoke),
        3 => (0..2_usize).prop_map(Turn::Resume),
    ];
    prop::collection::vec(turn, 1..200)
}

/// The permissions of the user by the model, whatever the framework does.
#[derive(Default)]
struct Truth {
    /// The channel of each event, and whether the user was a member when it was published.
    published: Vec<(usize, bool)>,
    rights: [bool; 3],
    member: [bool; 3],
    /// How many events there had been when the user was outside of a channel for the last time.
    outside: [usize; 3],
    clients: [Tab; 2],
}

/// One client of the user.
#[derive(Default)]
struct Tab {
    here: Option<(Session, Subscription)>,
    /// From which event on it counts on the channels that it is in, or was in when it was lost.
    channels: [Option<usize>; 3],
    cursor: Option<Cursor>,
    last: u64,
}

impl Truth {
    fn publish(&mut self, channel: usize) {
        for other in 0..3 {
            if !self.member[other] {
                self.outside[other] = self.published.len() + 1;
            }
        }
        self.published.push((channel, self.member[channel]));
    }

    /// A membership ends if no other client is in it.
    fn leaves(&mut self, channel: usize) {
        if !self.clients.iter().any(|tab| tab.here.is_some() && tab.channels[channel].is_some()) {
            self.member[channel] = false;
            self.outside[channel] = self.published.len();
        }
    }

    fn goes(&mut self, client: usize) -> Option<Session> {
        let (session, events) = self.clients[client].here.take()?;
        self.clients[client].cursor = Some(events.cursor());
        Some(session)
    }

    /// Everything that is read was for a member, and comes once and in order.
    fn check(&mut self, client: usize, seen: &[Seen]) -> std::result::Result<(), TestCaseError> {
        for seen in seen {
            match seen {
                Seen::Event(n) => {
                    let (channel, member) = self.published[usize::try_from(*n).unwrap()];
                    prop_assert!(member, "event {} of channel {} leaks", n, channel);
                    prop_assert!(*n >= self.clients[client].last, "event {} comes out of turn", n);
                    self.clients[client].last = n + 1;
                }
                Seen::Reset(_) => prop_assert!(false, "there is no reason for a reset"),
            }
        }
        Ok(())
    }

    /// Comes back, and reads what was missed.
    async fn resume(&mut self, app: &AppHandle, client: usize) -> std::result::Result<(), TestCaseError> {
        let cursor = self.clients[client].cursor.take();
        let (session, mut events) = enter(app, "ann", cursor.map_or(Since::Now, Since::Cursor)).await;
        let missed_from = cursor.map_or(self.published.len(), |cursor| usize::try_from(cursor.seq()).unwrap());
        let expected = self.clients[client].channels;
        let whole =
            (0..3).all(|channel| !self.rights[channel] || self.member[channel] && self.outside[channel] <= missed_from);
        let missed: Vec<_> =
            (missed_from..self.published.len()).filter(|n| self.rights[self.published[*n].0]).collect();
        let reset = events.pending_reset().is_some();
        let seen = read(&mut events);
        if reset {
            prop_assert_eq!(seen, [PRINCIPAL]);
            prop_assert!(!missed.is_empty() && !whole, "there is no reason for a reset");
        } else {
            self.check(client, &seen)?;
            let needed = |n: &usize| whole || expected[self.published[*n].0].is_some_and(|from| from <= *n);
            for n in missed.iter().copied().filter(needed) {
                prop_assert!(seen.contains(&Seen::Event(n as u64)), "event {} is missing in {:?}", n, seen);
            }
        }
        self.clients[client].here = Some((session, events));
        let from = |channel: usize| expected[channel].filter(|_| !reset).unwrap_or(self.published.len());
        self.clients[client].channels = std::array::from_fn(|channel| self.rights[channel].then(|| from(channel)));
        self.clients[client].last = self.published.len() as u64;
        for channel in 0..3 {
            if self.rights[channel] {
                self.member[channel] = true;
            } else {
                self.leaves(channel);
            }
        }
        Ok(())
    }

    async fn turn(&mut self, app: &AppHandle, rights: &Rights, turn: Turn) -> std::result::Result<(), TestCaseError> {
        match turn {
            Turn::Publish(channel) => {
                publish(app, CHANNELS[channel], self.published.len() as u64).await;
                self.publish(channel);
            }
            Turn::Grant(channel) => {
                rights.grant("ann", &[CHANNELS[channel]]);
                self.rights[channel] = true;
                for tab in &mut self.clients {
                    if let Some((session, _)) = &tab.here {
                        app.channel(CHANNELS[channel]).join(session.connection());
                        tab.channels[channel].get_or_insert(self.published.len());
                        self.member[channel] = true;
                    }
                }
            }
            Turn::Withdraw(channel) => {
                rights.withdraw("ann", CHANNELS[channel]);
                self.rights[channel] = false;
                let here = self.clients.iter().any(|tab| tab.here.is_some() && tab.channels[channel].is_some());
                app.channel(CHANNELS[channel]).leave_if(|_| true);
                for tab in self.clients.iter_mut().filter(|tab| tab.here.is_some()) {
                    tab.channels[channel] = None;
                }
                if here {
                    self.leaves(channel);
                }
            }
            Turn::Read(client, most) => {
                let Some((_, events)) = &mut self.clients[client].here else { return Ok(()) };
                let mut seen = Vec::new();
                while seen.len() < most
                    && let Some(delivery) = events.try_next()
                {
                    seen.push(seen_in(delivery));
                }
                self.check(client, &seen)?;
            }
            Turn::Cut(client) => drop(self.goes(client)),
            Turn::Deny(client) => {
                if let Some(session) = self.goes(client) {
                    session.connection().end(denied());
                    let channels = self.clients[client].channels;
                    (0..3).filter(|channel| channels[*channel].is_some()).for_each(|channel| self.leaves(channel));
                }
            }
            Turn::Revoke => {
                app.revoke_memberships("ann");
                for client in 0..2 {
                    if let Some(session) = self.goes(client) {
                        session.connection().end(denied());
                    }
                }
                self.member = [false; 3];
                self.outside = [self.published.len(); 3];
            }
            Turn::Resume(client) if self.clients[client].here.is_none() => self.resume(app, client).await?,
            Turn::Resume(_) => {}
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the history of permissions: a client that comes back reads nothing that its user was no member for, and
    /// either everything that it may count on or one reset.
    #[test]
    fn no_history_of_rights_has_a_leak_or_a_hole(turns in turns()) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let (app, rights) = members(|_| {}).await;
            let mut truth = Truth { rights: [true, false, false], ..Truth::default() };
            rights.grant("ann", &["home"]);
            for turn in turns {
                truth.turn(&app, &rights, turn).await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}
