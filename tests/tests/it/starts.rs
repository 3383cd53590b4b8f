//! What a start prints: words for people, without a class of Feathers, and without colours outside of a terminal.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use feathers::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

/// Tells a child from the test that starts it; variables of this process cannot be changed safely.
const CHILD: &str = "FEATHERS_TESTS_CHILD";

/// Runs one of these tests in another process.
fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .envs(variables.iter().copied())
        .env(CHILD, "1")
        .output()
        .unwrap()
}

fn peer() -> PathBuf {
    env!("CARGO_BIN_EXE_peer").into()
}

#[tokio::test]
async fn a_start_that_fails_says_why_and_no_class() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = tokio::process::Command::new(peer());
    command.env("HOST", "127.0.0.1").env("PORT", &port).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(20), command.output()).await.unwrap().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains(&format!("Error: cannot listen on 127.0.0.1:{port}: ")), "{said}");
    assert!(!said.contains("GeneralError") && !said.contains("(500)"), "{said}");
}

#[test]
fn errors_are_shown_in_words() {
    let shown = |error: Error| format!("{error:?}");
    assert_eq!(shown(Error::general("PORT must be a number")), "PORT must be a number");
    // What `?` makes of another error in a `main`.
    let io = || std::io::Error::other("the disk is gone");
    assert_eq!(shown(io().into()), "the disk is gone");
    assert_eq!(
        shown(Error::general("cannot open it").with_source(io())),
        "cannot open it\n  caused by: the disk is gone"
    );
    assert_eq!(shown(Error::not_found("nothing here")), "NotFound (404): nothing here");
    assert_eq!(shown(Error::general("odd").with_code(418)), "GeneralError (418): odd");
    // Clients see what they always saw.
    assert_eq!(Error::from(io()).to_value()["message"], "Internal server error");
    assert_eq!(Error::from(io()).to_value()["name"], "GeneralError");
}

#[test]
fn a_short_secret_names_what_it_was_read_from() {
    const TEST: &str = "starts::a_short_secret_names_what_it_was_read_from";
    let message = |outcome: Result<AuthConfig>| outcome.unwrap_err().message().to_owned();
    if std::env::var_os(CHILD).is_some() {
        println!("{}", message(AuthConfig::from_env()));
        return;
    }
    let output = child(TEST, &[("FEATHERS_SECRET", "too short")]);
    let said = String::from_utf8(output.stdout).unwrap();
    let wanted =
        "authentication needs a secret of 32 or more to sign tokens with: make one with `openssl rand -base64 32`";
    assert!(said.contains(&format!("FEATHERS_SECRET has 9 bytes, and {wanted}")), "{said}");

    let variables = [("FEATHERS__AUTHENTICATION__SECRET", "too short")];
    let config = Config::builder().variables(variables).load().unwrap();
    assert_eq!(
        message(config.get("authentication")),
        "authentication.secret (from FEATHERS__AUTHENTICATION__SECRET): expected a secret of 32 bytes or more, \
         as `openssl rand -base64 32` makes one, found a value of length 9"
    );
}

#[tokio::test]
async fn a_secret_of_the_code_is_named_too() {
    let start = async |config: AuthConfig| {
        let mut app = App::new();
        app.service("users", Memory::<Document>::new());
        app.configure(Authentication::new(config).jwt());
        app.start().await.unwrap_err().message().to_owned()
    };
    let short = start(AuthConfig::new("too short")).await;
    assert!(short.contains("`AuthConfig::secret` has 9 bytes, and authentication needs a secret of 32"), "{short}");
    let none = start(AuthConfig::default()).await;
    assert!(none.contains("and there is none: make one with") && none.contains("set it as FEATHERS_SECRET"), "{none}");
}

#[tokio::test]
async fn a_log_that_is_no_terminal_has_no_colours() {
    let mut program = tokio::process::Command::new(peer())
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        .env("RUST_LOG", "debug")
        .env_remove("NO_COLOR")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let log = BufReader::new(program.stderr.take().unwrap());
    let mut log = log.lines();
    let patience = Duration::from_secs(20);
    let first = tokio::time::timeout(patience, lines.next_line()).await.unwrap().unwrap().unwrap();
    let url = first.strip_prefix("listening on ").unwrap().to_owned();
    reqwest::get(format!("{url}/nothing-here")).await.unwrap();
    let line = tokio::time::timeout(patience, log.next_line()).await.unwrap().unwrap().unwrap();
    assert!(!line.contains('\u{1b}'), "{line:?}");
    assert!(line.contains("DEBUG") || line.contains("INFO"), "{line:?}");
}
