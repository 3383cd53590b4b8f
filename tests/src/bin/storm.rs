//! The storm: `cargo run --release -p feathers-tests --bin storm -- --pin --strict`. Ends with 1 if good clients
//! noticed.

#![expect(clippy::print_stdout, reason = "a command line tool talks on its standard output")]

use std::process::ExitCode;

use feathers_tests::storm::{self, Options, USAGE};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        // The role of the process that it starts itself.
        Some("serve") => storm::serve().await.map(|()| true).map_err(|error| error.to_string()),
        Some("--help" | "-h") => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => match Options::parse(arguments) {
            Err(why) => Err(format!("{why}\n\n{USAGE}")),
            Ok(options) => storm::run(options).await.map_err(|error| error.to_string()).map(|report| {
                print!("{report}");
                report.is_good()
            }),
        },
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            println!("FAILED: {why}");
            ExitCode::FAILURE
        }
    }
}
