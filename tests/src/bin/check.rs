//! The checker: `cargo run -p feathers-tests --bin check -- --seconds 60 --readers 24`. Ends with 1 if it finds
//! anything.

#![expect(clippy::print_stdout, reason = "a command line tool talks on its standard output")]

use std::process::ExitCode;

use feathers_tests::check::{self, Options, USAGE};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Two roles of the processes that it starts itself.
    match arguments.first().map(String::as_str) {
        Some("serve") => return end(check::serve().await.map(|()| true).map_err(|error| error.to_string())),
        Some("read") => {
            check::read().await;
            return ExitCode::SUCCESS;
        }
        Some("--help" | "-h") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(why) => return end(Err(format!("{why}\n\n{USAGE}"))),
    };
    println!("seed {}", options.seed);
    if options.prove {
        return end(match check::prove(&options).await {
            Ok(Ok(lines)) => {
                print!("{lines}");
                Ok(true)
            }
            Ok(Err(lines)) => Err(format!("the checker is blind\n{lines}")),
            Err(error) => Err(error.to_string()),
        });
    }
    end(check::run(options).await.map_err(|error| error.to_string()).map(|report| {
        print!("{report}");
        report.is_good()
    }))
}

fn end(outcome: Result<bool, String>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            println!("FAILED: {why}");
            ExitCode::FAILURE
        }
    }
}
