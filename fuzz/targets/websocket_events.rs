//! The bodies of WebSocket-over-HTTP: reading any bytes, and writing what was read.

#![no_main]

// The file itself, so that nothing else has to be built with coverage.
#[expect(dead_code, reason = "the target checks reading and writing only")]
#[path = "../../feathers-transports/src/grip/events.rs"]
mod events;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| events::check(bytes));
