//! Bad input: a clear error or a closed socket, a server that serves on, and nothing stored by half.

mod rest;
mod socket;
