//! GRIP: the web service of an app behind a proxy that holds the connections (Pushpin, Fastly Fanout).

pub(crate) mod events;
