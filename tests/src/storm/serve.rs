//! The server in the storm: what attackers like, and bounds by address that count addresses of this machine too.

use std::time::Duration;

use feathers::prelude::*;
use feathers::{Error, Result};

/// What may be in flight.
pub(super) const IN_FLIGHT: usize = 64 << 20;
/// How many connections there may be.
pub(super) const CONNECTIONS: usize = 4_000;

/// How long the largest answer is: several pages of records, and many times what a slow reader's socket takes.
const LARGE: usize = 512 << 10;

/// Signs the tokens of the storm; a real app has no such line.
const SECRET: &str = "the secret of the storm, which everybody may know";

/// Serves on a free port until it gets a signal to stop.
pub async fn serve() -> Result<()> {
    // The parent process holds its input: it does not outlive the storm.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
    let mut app = App::new();
    app.service("notes", Memory::<Document>::new().paginate(Paginate::new(10).max(50)));
    app.service("large", Large("x".repeat(LARGE)));
    // What is tried here is calls that are left alone, and not how far their events go.
    app.service("slow", Slow).publish(|_event, app| app.channel("nobody"));
    app.service("users", Memory::<User>::new()).before("create", hash_password("password"));
    let mut config = AuthConfig::default();
    config.secret = Some(SECRET.into());
    app.configure(Authentication::new(config).local("email").jwt());
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    app.publish(|_event, app| app.channel("everybody"));
    app.around_setup(|app, next| async move {
        next.run().await?;
        for n in 0..50 {
            app.service("notes")?.create(json!({ "n": n, "text": "a note of a usual length" }), ()).await?;
        }
        Ok(())
    });
    Server::new(app)
        .bind("127.0.0.1:0")
        .max_connections(CONNECTIONS)
        .max_connections_per_address(30)
        .max_in_flight(IN_FLIGHT)
        .max_in_flight_per_address(4 << 20)
        .header_timeout(Duration::from_secs(5))
        .request_timeout(Duration::from_secs(10))
        .write_timeout(Duration::from_secs(10))
        .min_rate(1_000, Duration::from_secs(10))
        .listen()
        .await
}

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    email: String,
    #[service(hidden)]
    password: String,
}

/// Answers with a large text.
struct Large(String);

#[service]
impl Large {
    async fn find(&self) -> Result<String> {
        Ok(self.0.clone())
    }
}

/// Takes its time.
struct Slow;

#[service]
impl Slow {
    async fn create(&self, data: Payload) -> Result<Payload> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        if data.is_null() { Err(Error::bad_request("there is no data")) } else { Ok(data) }
    }
}
