//! Measures the framework beside code written by hand, in one interleaved run on this machine.
//!
//! `rest [ROUNDS] [SECONDS]` starts the same three REST routes twice, once through the framework and once written by
//! hand in axum, and drives them with `wrk` in turn.
//! `fanout [ROUNDS] [SUBSCRIBERS] [MESSAGES]` publishes to many subscribers, over our transports and over a WebSocket
//! broadcast written by hand, in turn. Only the ratios count.
//! `logins [ROUNDS] [SECONDS]` asks for records steadily, with and without logins whose passwords are hashed beside it.

mod broadcast;
mod by_hand;
mod fanout;
mod framework;
mod logins;
mod message;
mod process;
mod rest;
mod subscriber;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: feathers-benches rest [ROUNDS] [SECONDS] | fanout [ROUNDS] [SUBSCRIBERS] [MESSAGES] | \
                     logins [ROUNDS] [SECONDS]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |index: usize, default: u32| arguments.get(index).map_or(Ok(default), |text| text.parse());
    let result = match arguments.first() {
        Some(&"serve") => serve(arguments.get(1).copied().unwrap_or_default()),
        Some(&"rest") => match (number(1, 5), number(2, 4)) {
            (Ok(rounds), Ok(seconds)) => rest::run(rounds, seconds),
            _ => Err(USAGE.into()),
        },
        Some(&"fanout") => match (number(1, 3), number(2, 1_000), number(3, 200)) {
            (Ok(rounds), Ok(subscribers), Ok(messages)) => fanout::run(rounds, subscribers, messages),
            _ => Err(USAGE.into()),
        },
        Some(&"logins") => match (number(1, 5), number(2, 5)) {
            (Ok(rounds), Ok(seconds)) => logins::run(rounds, seconds),
            _ => Err(USAGE.into()),
        },
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(which: &str) -> process::Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    match which {
        "axum" => runtime.block_on(by_hand::serve()),
        "broadcast" => runtime.block_on(broadcast::serve()),
        "framework" => runtime.block_on(framework::serve(framework::Hooks::None)),
        "hooks" => runtime.block_on(framework::serve(framework::Hooks::Some)),
        "logins" => runtime.block_on(logins::serve()),
        "realtime" => runtime.block_on(framework::serve_realtime()),
        _ => Err(USAGE.into()),
    }
}
