//! From where a client wants events: one answer to all the words in which it says so.
//!
//! A client that reconnects often says it twice: its first words stand in a URL or in settings that it keeps, and a
//! library adds the newer position. So every transport hands all of them to [`newest_since`].

use feathers_core::{Cursor, Epoch, Error, Result, Since};
#[cfg(feature = "socketio")]
use serde_json::{Map, Value};

/// The words of a query: ours, and those of hubs and polyfills that clients may have been written for.
pub(crate) const QUERY: [&str; 5] = ["since", "last_event_id", "lastEventId", "lastEventID", "Last-Event-ID"];

/// The words of Socket.IO's `auth`: the application's, and the one that stock clients add.
#[cfg(feature = "socketio")]
const AUTH: [&str; 2] = ["since", "offset"];

/// Returns the newest position among words, each with its name; `None` if there is none. An empty word is none.
///
/// `epoch` is that of the app's log, and `known` are positions that the transport knows by itself.
///
/// # Errors
/// A word that is neither a cursor nor `now` nor `earliest` is a 400 that names it.
///
/// ```
/// use feathers_core::{App, Since};
/// use feathers_transports::kit::newest_since;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers_core::Result<()> {
/// let app = App::new().start().await?;
/// let head = app.log().head().to_string();
/// let since = newest_since(app.log().epoch(), [("since", "earliest"), ("Last-Event-ID", &head)], None)?;
/// assert_eq!(since, Some(Since::Cursor(app.log().head())));
/// # Ok(())
/// # }
/// ```
pub fn newest_since<'w>(
    epoch: Epoch,
    words: impl IntoIterator<Item = (&'w str, &'w str)>,
    known: impl IntoIterator<Item = Cursor>,
) -> Result<Option<Since>> {
    let words = words.into_iter().filter(|(_, text)| !text.is_empty());
    let mut positions: Vec<Since> = words.map(|(name, text)| read(name, text)).collect::<Result<_>>()?;
    positions.extend(known.into_iter().map(Since::Cursor));
    Ok(Since::newest(positions, epoch))
}

fn read(name: &str, text: &str) -> Result<Since> {
    text.parse().map_err(|_| Error::bad_request(format!("'{name}' is a malformed cursor")))
}

/// Returns the newest position that a Socket.IO client names in `auth`, where a bad one can only be reported in-band.
#[cfg(feature = "socketio")]
pub(crate) fn of_auth(auth: &Map<String, Value>, epoch: Epoch, known: Option<Cursor>) -> Option<Since> {
    let mut words = Vec::with_capacity(AUTH.len());
    for name in AUTH {
        match auth.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => words.push((name, text.as_str())),
            Some(_) => return Some(Since::Unreadable),
        }
    }
    newest_since(epoch, words, known).unwrap_or(Some(Since::Unreadable))
}

#[cfg(all(test, feature = "socketio"))]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_all_words_in_auth_the_newest_position_counts() {
        let epoch = Epoch::new("aaaaaaaa").unwrap();
        let check = |auth: Value, known: Option<&str>, expected: Option<&str>| {
            let Value::Object(fields) = &auth else { panic!("{auth}") };
            let since = of_auth(fields, epoch, known.map(|text| text.parse().unwrap()));
            assert_eq!(since, expected.map(|text| text.parse().unwrap_or(Since::Unreadable)), "{auth} {known:?}");
        };
        check(json!({}), None, None);
        check(json!({ "since": null, "offset": "" }), None, None);
        check(json!({ "since": "aaaaaaaa-1", "offset": "aaaaaaaa-7" }), None, Some("aaaaaaaa-7"));
        check(json!({ "since": "aaaaaaaa-7", "offset": "aaaaaaaa-1" }), None, Some("aaaaaaaa-7"));
        check(json!({ "since": "aaaaaaaa-1" }), Some("aaaaaaaa-7"), Some("aaaaaaaa-7"));
        check(json!({ "offset": "aaaaaaaa-9" }), Some("aaaaaaaa-7"), Some("aaaaaaaa-9"));
        check(json!({ "since": "earliest" }), Some("aaaaaaaa-7"), Some("aaaaaaaa-7"));
        check(json!({ "since": "now", "offset": "aaaaaaaa-2" }), None, Some("aaaaaaaa-2"));
        check(json!({ "since": "now" }), None, Some("now"));
        // A cursor of another log counts only alone, whatever its number.
        check(json!({ "since": "bbbbbbbb-900", "offset": "aaaaaaaa-2" }), None, Some("aaaaaaaa-2"));
        check(json!({ "since": "bbbbbbbb-9" }), Some("aaaaaaaa-1"), Some("aaaaaaaa-1"));
        check(json!({ "since": "bbbbbbbb-9", "offset": "cccccccc-1" }), None, Some("bbbbbbbb-9"));
        check(json!({ "since": "earliest", "offset": "bbbbbbbb-9" }), None, Some("bbbbbbbb-9"));
        // A text that is no cursor is never skipped.
        for bad in [json!("rubbish"), json!(7), json!({}), json!(["aaaaaaaa-1"]), json!(true), json!(" ")] {
            check(json!({ "since": bad, "offset": "aaaaaaaa-2" }), None, Some("?"));
            check(json!({ "since": "aaaaaaaa-2", "offset": bad }), None, Some("?"));
        }
        check(json!({ "lastEventId": "rubbish", "cursor": "x" }), None, None);
    }
}
