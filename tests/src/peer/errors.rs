//! Errors: every way to fail.

use std::io;

use feathers::prelude::*;

/// Fails in the way that the id names.
pub(super) struct Errors;

#[service]
impl Errors {
    async fn get(&self, id: Id) -> Result<()> {
        Err(match id.to_string().as_str() {
            // An exception that is a plain `Error`, a string or nothing at all in the original is a foreign error here.
            name @ ("plain" | "code" | "strcode" | "errors" | "string" | "undef") => io::Error::other(name).into(),
            "bad" => {
                Error::bad_request("bad").with_data(json!({ "foo": "bar" })).with_errors(json!({ "email": "invalid" }))
            }
            "badarr" => Error::bad_request("bad").with_data(json!([1, 2])),
            "badobj" => Error::bad_request("from obj").with_data(json!({ "foo": 1 })),
            "nomsg" => Error::bad_request("Error"),
            "general" => Error::general("g"),
            "hookstatus" => Error::bad_request("x"),
            "panic" => panic!("the service panics, as it was asked to"),
            _ => Error::forbidden("no"),
        })
    }
}
