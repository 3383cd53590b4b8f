//! What a user would write in place of the framework: peers that link nothing of it. One process serves one.

mod axum_rest;
mod axum_sse;
mod axum_ws;
mod message;
mod preframed;
mod socketioxide;
mod store;

use std::error::Error;
use std::io::Write;

use axum::Router;
use clap::{Parser, ValueEnum};

// The servers of the framework have it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome = Result<(), Box<dyn Error>>;

/// Serves one of the peers at a free port, and prints its URL.
#[derive(Debug, Parser)]
struct Arguments {
    peer: Peer,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Peer {
    /// REST
    Axum,
    /// A WebSocket broadcast
    AxumWs,
    /// A broadcast over server-sent events
    AxumSse,
    /// A WebSocket broadcast whose frames are made once
    Preframed,
    /// A broadcast through the crate socketioxide
    Socketioxide,
}

fn main() -> Outcome {
    let router = match Arguments::parse().peer {
        Peer::Axum => axum_rest::router,
        Peer::AxumWs => axum_ws::router,
        Peer::AxumSse => axum_sse::router,
        Peer::Preframed => preframed::router,
        Peer::Socketioxide => socketioxide::router,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async { serve(router()).await })
}

async fn serve(router: Router) -> Outcome {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}", listener.local_addr()?)?;
    out.flush()?;
    let without_delay = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(without_delay, router).await?;
    Ok(())
}
