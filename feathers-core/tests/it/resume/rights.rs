//! Permissions and replays: what a logged-in client reads when it comes back.

mod model;

use std::sync::Mutex;

use feathers_core::{
    Authenticator, Connection, Credentials, DisconnectReason, Error, HandshakeCredentials, Headers, Login, Params,
    RecentMemberships,
};

use super::*;

/// Which channels each user may join.
#[derive(Clone, Default)]
struct Rights(Arc<Mutex<BTreeSet<(&'static str, &'static str)>>>);

impl Rights {
    fn grant(&self, user: &'static str, channels: &[&'static str]) {
        self.0.lock().unwrap().extend(channels.iter().map(|channel| (user, *channel)));
    }

    fn withdraw(&self, user: &'static str, channel: &'static str) {
        self.0.lock().unwrap().remove(&(user, channel));
    }

    fn of(&self, user: &str) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().filter(|(own, _)| *own == user).map(|(_, channel)| *channel).collect()
    }
}

/// Believes everybody.
struct Trusting;

#[async_trait]
impl Authenticator for Trusting {
    fn path(&self) -> &'static str {
        "login"
    }

    async fn admit(
        &self,
        connection: &Connection,
        credentials: HandshakeCredentials,
        _app: &AppHandle,
    ) -> Result<Option<Login>> {
        let HandshakeCredentials::Sent(credentials) = credentials else { return Ok(None) };
        connection.set_subject(credentials.text("user"));
        let mut params = Params::new();
        params.connection = Some(connection.clone());
        Ok(Some(Login::new(Payload::NULL, params)))
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }
}

/// An app with users, each of whom joins the channels that the user has a permission for.
async fn members(change: impl FnOnce(&mut App)) -> (AppHandle, Rights) {
    let rights = Rights::default();
    let mut app = App::new();
    app.service("ev", Ev).publish(|publication: &Publication, app: &AppHandle| {
        app.channel(publication.data.value().unwrap()["to"].as_str().unwrap())
    });
    app.authenticator(Trusting);
    let known = rights.clone();
    app.on_login(move |login, app| {
        let connection = login.connection().unwrap();
        for channel in known.of(&connection.subject().unwrap()) {
            app.channel(channel).join(connection);
        }
    });
    change(&mut app);
    (app.start().await.unwrap(), rights)
}

async fn enter(app: &AppHandle, user: &str, since: Since) -> (Session, Subscription) {
    let handshake = Handshake::new(Provider::new("test")).since(since);
    let handshake = handshake.credentials(HandshakeCredentials::Sent(Credentials::of("test", "user", user)));
    let session = app.open(handshake).await.expect("the session opens");
    let events = session.subscribe();
    (session, events)
}

fn denied() -> DisconnectReason {
    DisconnectReason::Unauthenticated(Error::not_authenticated("no"))
}

const PRINCIPAL: Seen = Seen::Reset(ResetReason::Principal);

#[tokio::test]
async fn a_new_account_reads_nothing_of_the_past_of_others_and_gets_no_reset() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home"]);
    rights.grant("new", &["home"]);
    let (_ann, mut ann) = enter(&app, "ann", Since::Now).await;
    publish(&app, "home", 1).await;
    publish(&app, "home", 2).await;
    for _ in 0..2 {
        let (_new, mut new) = enter(&app, "new", Since::Earliest).await;
        assert_eq!((new.pending_reset(), read(&mut new)), (None, vec![]));
    }
    publish(&app, "home", 3).await;
    assert_eq!(read(&mut ann), numbers(1..=3));
    // Events from the time of the membership are replayed.
    let (_new, mut new) = enter(&app, "new", Since::Earliest).await;
    assert_eq!(read(&mut new), numbers(3..=3));
}

#[tokio::test]
async fn a_new_role_begins_now_while_everything_else_goes_on() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home"]);
    let (session, events) = enter(&app, "ann", Since::Now).await;
    let cursor = events.cursor();
    drop((session, events));
    publish(&app, "home", 1).await;
    publish(&app, "admins", 2).await;
    rights.grant("ann", &["admins"]);
    let (session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    publish(&app, "admins", 3).await;
    assert_eq!(read(&mut events), [Seen::Event(1), Seen::Event(3)]);
    drop((session, events));
    let (_session, mut events) = enter(&app, "ann", Since::Earliest).await;
    assert_eq!(read(&mut events), [Seen::Event(1), Seen::Event(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_role_counts_from_the_change_for_which_the_server_has_the_client_come_back() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home"]);
    let (session, mut events) = enter(&app, "ann", Since::Now).await;
    publish(&app, "admins", 1).await;
    rights.grant("ann", &["admins"]);
    session.connection().end(DisconnectReason::Reconnect);
    let cursor = events.cursor();
    assert_eq!(read(&mut events), []);
    publish(&app, "admins", 2).await;
    let (again, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    drop(session);
    assert_eq!(read(&mut events), numbers(2..=2));
    // A client that stays away for longer counts from its return.
    rights.grant("ann", &["owners"]);
    again.connection().end(DisconnectReason::Reconnect);
    publish(&app, "owners", 3).await;
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    let (_session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events), numbers(2..=2));
}

#[tokio::test]
async fn a_lost_connection_does_not_end_a_membership_and_a_leave_does() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home"]);
    let (session, events) = enter(&app, "ann", Since::Now).await;
    let lost = events.cursor();
    drop((session, events));
    publish(&app, "home", 1).await;
    let (session, mut events) = enter(&app, "ann", Since::Cursor(lost)).await;
    assert_eq!(read(&mut events), numbers(1..=1));
    let left = events.cursor();
    app.channel("home").leave(session.connection());
    publish(&app, "home", 2).await;
    drop((session, events));
    for cursor in [left, lost] {
        // Events after the leave are not replayed, and the client gets a reset.
        let (_session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
        publish(&app, "home", 3).await;
        assert_eq!(read(&mut events), [PRINCIPAL, Seen::Event(3)]);
    }
    // Without events in between, nothing is missing.
    let (session, events) = enter(&app, "ann", Since::Now).await;
    let left = events.cursor();
    app.channel("home").leave(session.connection());
    drop((session, events));
    publish(&app, "elsewhere", 4).await;
    let (_session, mut events) = enter(&app, "ann", Since::Cursor(left)).await;
    publish(&app, "home", 5).await;
    assert_eq!(read(&mut events), numbers(5..=5));
}

#[tokio::test]
async fn a_denial_and_a_revocation_end_memberships_and_a_client_that_misses_something_is_told() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home"]);
    let (session, mut events) = enter(&app, "ann", Since::Now).await;
    publish(&app, "home", 1).await;
    assert_eq!(read(&mut events), numbers(1..=1));
    let cursor = events.cursor();
    // The transport has not noticed yet when ann logs in again.
    session.connection().end(denied());
    publish(&app, "home", 2).await;
    let (again, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    drop(session);
    publish(&app, "home", 3).await;
    assert_eq!(read(&mut events), [PRINCIPAL, Seen::Event(3)]);
    let cursor = events.cursor();
    drop((again, events));
    // Revoked while ann is away.
    app.revoke_memberships("ann");
    publish(&app, "home", 4).await;
    let (again, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events), [PRINCIPAL]);
    let cursor = events.cursor();
    drop((again, events));
    // Without events in between there is no reset.
    app.revoke_memberships("ann");
    let (_session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    assert_eq!((events.pending_reset(), read(&mut events)), (None, vec![]));
}

#[tokio::test]
async fn a_right_that_was_taken_away_and_given_back_does_not_open_the_time_between() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home", "room"]);
    let (session, mut events) = enter(&app, "ann", Since::Now).await;
    publish(&app, "room", 1).await;
    assert_eq!(read(&mut events), numbers(1..=1));
    let cursor = events.cursor();
    drop((session, events));
    rights.withdraw("ann", "room");
    // A login without the permission ends the membership.
    drop(enter(&app, "ann", Since::Cursor(cursor)).await);
    publish(&app, "room", 2).await;
    rights.grant("ann", &["room"]);
    let (_session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    publish(&app, "room", 3).await;
    assert_eq!(read(&mut events), [PRINCIPAL, Seen::Event(3)]);
}

#[tokio::test]
async fn another_connection_of_the_same_user_keeps_the_membership() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home"]);
    let (one, events) = enter(&app, "ann", Since::Now).await;
    let (_other, _events) = enter(&app, "ann", Since::Now).await;
    let cursor = events.cursor();
    app.channel("home").leave(one.connection());
    one.connection().end(denied());
    drop((one, events));
    publish(&app, "home", 1).await;
    let (_again, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events), numbers(1..=1));
}

#[tokio::test]
async fn what_was_forgotten_is_a_reset_and_neither_a_leak_nor_a_hole() {
    let (app, rights) = members(|app| {
        app.membership_history(RecentMemberships::new(1));
    })
    .await;
    rights.grant("ann", &["home"]);
    rights.grant("bob", &["home"]);
    let (session, events) = enter(&app, "ann", Since::Now).await;
    let cursor = events.cursor();
    drop((session, events));
    publish(&app, "home", 1).await;
    drop(enter(&app, "bob", Since::Now).await);
    publish(&app, "home", 2).await;
    let (session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events), [PRINCIPAL]);
    let cursor = events.cursor();
    drop((session, events));
    // From then on the user is known again; a cursor from before does not count.
    publish(&app, "home", 3).await;
    let (_session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events), numbers(3..=3));
    let (_session, mut events) = enter(&app, "ann", Since::Earliest).await;
    assert_eq!(read(&mut events), [PRINCIPAL]);
}

#[tokio::test]
async fn a_list_that_was_read_before_the_first_connection_has_no_hole_after_it() {
    let (app, rights) = members(|_| {}).await;
    rights.grant("ann", &["home"]);
    let list = app.log().head();
    publish(&app, "elsewhere", 1).await;
    let (session, mut events) = enter(&app, "ann", Since::Cursor(list)).await;
    assert_eq!((events.pending_reset(), read(&mut events)), (None, vec![]));
    drop((session, events));
    rights.grant("bob", &["home"]);
    publish(&app, "home", 2).await;
    let (_session, mut events) = enter(&app, "bob", Since::Cursor(list)).await;
    assert_eq!(read(&mut events), [PRINCIPAL]);
}

#[tokio::test(start_paused = true)]
async fn who_logs_in_on_its_connection_goes_on_in_the_channels_that_it_was_in() {
    let (app, rights) = members(|app| {
        app.on_connect(|connection, app| app.channel("lobby").join(connection));
    })
    .await;
    rights.grant("ann", &["home"]);
    publish(&app, "lobby", 1).await;
    // Channels of anonymous clients are as they are.
    let (session, mut events) = connect(&app, Since::Earliest).await;
    // The replay waits for a login.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(read(&mut events), numbers(1..=1));
    session.connection().set_subject(Some("ann"));
    let cursor = events.cursor();
    drop((session, events));
    publish(&app, "lobby", 2).await;
    let (_session, mut events) = enter(&app, "ann", Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events), numbers(2..=2));
}

#[tokio::test]
async fn a_channel_with_an_open_history_is_read_by_all_members() {
    let (app, _) = members(|app| {
        app.on_connect(|connection, app| {
            app.channel("news").open_history().join(connection);
            app.channel("home").join(connection);
        });
    })
    .await;
    publish(&app, "news", 1).await;
    publish(&app, "home", 2).await;
    let (session, mut events) = enter(&app, "ann", Since::Earliest).await;
    assert_eq!(read(&mut events), numbers(1..=1));
    app.channel("news").leave(session.connection());
    let (_session, mut events) = enter(&app, "ann", Since::Earliest).await;
    assert_eq!(read(&mut events), numbers(1..=1));
}
