//! The in-memory store keeps the contract of stores.

use feathers_core::testing::{Note, Person};
use feathers_core::{Memory, store_contract};

store_contract! {
    memory,
    people: async || Memory::<Person>::new(),
    notes: async || Memory::<Note>::new(),
}
