//! The client bundles: many pages load Socket.IO's client from the server, as they do from the original.

use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, StatusCode};

/// The version of the bundles.
const TAG: &str = "\"4.8.4\"";
const WEAK_TAG: &str = "W/\"4.8.4\"";

/// A file of npm's `socket.io-client`, unchanged.
#[derive(Clone, Copy)]
enum File {
    Script(&'static [u8]),
    /// A source map for debuggers; it is rarely requested, so it is kept compressed.
    Map(&'static [u8]),
}

/// The files by the names that the original gives them. It has the readable bundle too; here that is the short one.
const FILES: [(&str, File); 7] = [
    ("socket.io.js", File::Script(include_bytes!("../../assets/socket.io.min.js"))),
    ("socket.io.min.js", File::Script(include_bytes!("../../assets/socket.io.min.js"))),
    ("socket.io.min.js.map", File::Map(include_bytes!("../../assets/socket.io.min.js.map.gz"))),
    ("socket.io.esm.min.js", File::Script(include_bytes!("../../assets/socket.io.esm.min.js"))),
    ("socket.io.esm.min.js.map", File::Map(include_bytes!("../../assets/socket.io.esm.min.js.map.gz"))),
    ("socket.io.msgpack.min.js", File::Script(include_bytes!("../../assets/socket.io.msgpack.min.js"))),
    ("socket.io.msgpack.min.js.map", File::Map(include_bytes!("../../assets/socket.io.msgpack.min.js.map.gz"))),
];

/// Serves the bundles below the path of the transport.
pub(crate) fn router(path: &str) -> Router {
    FILES.into_iter().fold(Router::new(), |router, (name, file)| {
        router.route(&format!("{path}/{name}"), get(async move |headers: HeaderMap| answer(file, &headers)))
    })
}

fn answer(file: File, headers: &HeaderMap) -> Response {
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag == TAG || tag == WEAK_TAG) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let (kind, bytes) = match file {
        File::Script(bytes) => ("application/javascript; charset=utf-8", bytes),
        File::Map(bytes) => ("application/json; charset=utf-8", bytes),
    };
    let common = [(CACHE_CONTROL, "public, max-age=0"), (CONTENT_TYPE, kind), (ETAG, TAG)];
    match file {
        File::Script(_) => (common, bytes).into_response(),
        File::Map(_) if accepts_gzip(headers) => {
            (common, [(CONTENT_ENCODING, "gzip"), (VARY, "accept-encoding")], bytes).into_response()
        }
        File::Map(_) => {
            let mut map = Vec::new();
            match GzDecoder::new(bytes).read_to_end(&mut map) {
                Ok(_) => (common, [(VARY, "accept-encoding")], Bytes::from(map)).into_response(),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).is_some_and(|q: f32| q <= 0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}
