//! What the output of the derive names, for the records of this crate.

pub(crate) mod __private {
    pub(crate) use ::serde;
    pub(crate) use feathers_core as core;
    pub(crate) use feathers_core::private::*;
}
