//! Entries: events as they go through a shared log.
//!
//! The serde form is format 1, an object of JSON: `format`, `key` as 32 hexadecimal digits, `path`, `event`, `data` as
//! the text of JSON, and `targets`. Fields that a process does not know are passed over, so that later versions may add
//! what earlier ones can do without. A process that reads another format reports an error that names both.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The format that this version writes and reads.
const FORMAT: u64 = 1;

/// An event as it goes through a log: nothing of its call, only what clients may see.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Names this entry among all others: 128 random bits.
    pub key: u128,
    /// The path of the service.
    pub path: Arc<str>,
    /// The name of the event.
    pub event: Arc<str>,
    /// The data, as JSON text.
    pub data: Bytes,
    /// The channels that get it.
    pub targets: Vec<EntryTarget>,
}

/// Channels that an event goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryTarget {
    /// The names of the channels; a connection in any of them is meant.
    pub channels: Vec<Arc<str>>,
    /// What they get instead of the event's own data, as JSON text.
    pub data: Option<Bytes>,
}

impl Entry {
    /// Makes an entry with a key of its own, for no channels yet. `data` is JSON text.
    pub fn new(path: impl Into<Arc<str>>, event: impl Into<Arc<str>>, data: Bytes) -> Self {
        Self { key: rand::random(), path: path.into(), event: event.into(), data, targets: Vec::new() }
    }

    /// Sets the channels that get it.
    pub fn targets(mut self, targets: Vec<EntryTarget>) -> Self {
        self.targets = targets;
        self
    }
}

impl EntryTarget {
    /// Names channels that get the data of the event.
    pub fn new(channels: Vec<Arc<str>>) -> Self {
        Self { channels, data: None }
    }

    /// Sets what they get instead, as JSON text.
    pub fn data(mut self, data: Option<Bytes>) -> Self {
        self.data = data;
        self
    }
}

/// The number of a format, which stands first: of another one nothing else is read.
#[derive(Serialize)]
struct Format(u64);

/// Format 1.
#[derive(Serialize, Deserialize)]
struct Written {
    format: Format,
    key: String,
    path: Arc<str>,
    event: Arc<str>,
    data: Arc<str>,
    targets: Vec<WrittenTarget>,
}

#[derive(Serialize, Deserialize)]
struct WrittenTarget {
    channels: Vec<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Arc<str>>,
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let format = u64::deserialize(deserializer)?;
        if format == FORMAT {
            return Ok(Self(format));
        }
        Err(D::Error::custom(format!("the entry has format {format}, and this version reads format {FORMAT}")))
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let text = |json: &Bytes| std::str::from_utf8(json).map(Arc::from).map_err(S::Error::custom);
        let target = |target: &EntryTarget| {
            let data = target.data.as_ref().map(text).transpose()?;
            Ok(WrittenTarget { channels: target.channels.clone(), data })
        };
        let written = Written {
            format: Format(FORMAT),
            key: format!("{:032x}", self.key),
            path: self.path.clone(),
            event: self.event.clone(),
            data: text(&self.data)?,
            targets: self.targets.iter().map(target).collect::<Result<_, S::Error>>()?,
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let key = u128::from_str_radix(&written.key, 16)
            .map_err(|_| D::Error::custom(format!("'{}' is not the key of an entry", written.key)))?;
        let json = |text: Arc<str>| {
            let checked = serde_json::from_str::<IgnoredAny>(&text);
            checked.map_err(|error| D::Error::custom(format!("the data of an entry is no JSON: {error}")))?;
            Ok(Bytes::copy_from_slice(text.as_bytes()))
        };
        let target = |target: WrittenTarget| {
            Ok(EntryTarget { channels: target.channels, data: target.data.map(json).transpose()? })
        };
        let targets = written.targets.into_iter().map(target).collect::<Result<_, D::Error>>()?;
        Ok(Self { key, path: written.path, event: written.event, data: json(written.data)?, targets })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry() -> Entry {
        let mut entry = Entry::new("todos", "created", Bytes::from_static(br#"{"id":1}"#)).targets(vec![
            EntryTarget::new(vec!["a".into(), "b".into()]),
            EntryTarget::new(vec!["c".into()]).data(Some(Bytes::from_static(b"null"))),
        ]);
        entry.key = 255;
        entry
    }

    fn written() -> Value {
        json!({
            "format": 1,
            "key": "000000000000000000000000000000ff",
            "path": "todos",
            "event": "created",
            "data": r#"{"id":1}"#,
            "targets": [{ "channels": ["a", "b"] }, { "channels": ["c"], "data": "null" }],
        })
    }

    #[test]
    fn an_entry_is_written_as_text_and_read_back() {
        let text = serde_json::to_string(&entry()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), written());
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry());
    }

    #[test]
    fn what_later_versions_add_is_passed_over() {
        let mut later = written();
        later["traceparent"] = json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        later["images"] = json!({ "before": null, "after": r#"{"id":1}"# });
        later["signature"] = json!({ "key": 1, "mac": "00ff" });
        later["targets"][0]["rule"] = json!(["a", 1]);
        assert_eq!(serde_json::from_value::<Entry>(later).unwrap(), entry());
    }

    #[test]
    fn what_is_no_entry_of_this_format_says_so() {
        let refused = |name: &str, value: Value| {
            let mut entry = written();
            entry[name] = value;
            // In the order of the fields, as it is written.
            let text = serde_json::to_string(&entry).unwrap();
            serde_json::from_str::<Entry>(&text).unwrap_err().to_string()
        };
        for format in [0, 2, 300, u64::MAX] {
            let expected = format!("the entry has format {format}, and this version reads format 1");
            assert!(refused("format", json!(format)).contains(&expected));
        }
        // Nothing else of another format is read, whatever it looks like.
        let other = r#"{"format":2,"key":[1],"data":{"id":1}}"#;
        let refused_first = serde_json::from_str::<Entry>(other).unwrap_err().to_string();
        assert!(refused_first.contains("the entry has format 2"), "{refused_first}");
        let unnamed = serde_json::from_str::<Entry>(r#"{"key":"00"}"#).unwrap_err().to_string();
        assert!(unnamed.contains("missing field `format`"), "{unnamed}");
        assert!(refused("key", json!("zz")).contains("'zz' is not the key of an entry"));
        assert!(refused("data", json!("{")).contains("the data of an entry is no JSON"));
        assert!(refused("targets", json!([{ "channels": ["a"], "data": "nul" }])).contains("no JSON"));
    }
}
