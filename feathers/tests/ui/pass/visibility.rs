//! Siblings are as visible as the struct, and documented.

#![deny(warnings)]

//! (The lints below are those of a careful library.)

#![deny(missing_docs, unreachable_pub, private_interfaces)]

pub mod model {
    //! A module.

    use feathers::prelude::*;

    /// An order.
    #[derive(Clone, Debug, Serialize, Deserialize, Service)]
    pub struct Order {
        #[service(id)]
        number: i64,
        text: String,
        #[service(json, default)]
        state: State,
        inner: Option<String>,
    }

    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum State {
        #[default]
        Open,
        Sent,
    }

    /// Uses the private state.
    pub fn sent() -> OrderPatch {
        OrderPatch { state: Some(State::Sent), ..OrderPatch::default() }
    }
}

fn main() {
    let patch: model::OrderPatch = model::sent();
    assert!(patch.text.is_none());
}
