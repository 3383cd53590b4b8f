//! The query string, parsed as `qs` does.
