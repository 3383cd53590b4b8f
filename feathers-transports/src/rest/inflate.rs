//! Bodies that come compressed.

use std::io;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use axum::body::Body;
use futures_util::TryStreamExt;
use http::{HeaderMap, header};
use tokio_util::io::{ReaderStream, StreamReader};

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Not at all.
    Identity,
    Gzip,
    Deflate,
    Brotli,
    /// In a way that is not known here, or in several.
    Other,
}

impl Coding {
    /// Those that are known, for `Accept-Encoding`.
    pub(super) const KNOWN: &'static str = "gzip, deflate, br";

    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut names = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(name) = names.next() else { return Self::Identity };
        let is = |other: &str| name.as_bytes().trim_ascii().eq_ignore_ascii_case(other.as_bytes());
        match () {
            () if names.next().is_some() => Self::Other,
            () if is("identity") || is("") => Self::Identity,
            () if is("gzip") || is("x-gzip") => Self::Gzip,
            () if is("deflate") => Self::Deflate,
            () if is("br") => Self::Brotli,
            () => Self::Other,
        }
    }

    /// Returns the body as it was before; it fails after so many compressed bytes, and for what is not compressed so.
    ///
    /// It is inflated piece by piece, as it is read, so that the reader decides when it is too large.
    pub(super) fn inflate(self, body: Body, limit: usize) -> Body {
        if matches!(self, Self::Identity | Self::Other) {
            return body;
        }
        let mut left = limit;
        let pieces = body.into_data_stream().map_err(io::Error::other).and_then(move |piece| {
            // A little text can be much compressed text too.
            let rest = left.checked_sub(piece.len());
            left = rest.unwrap_or_default();
            std::future::ready(rest.map(|_| piece).ok_or_else(|| io::Error::other("too many compressed bytes")))
        });
        let pieces = StreamReader::new(pieces);
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(pieces);
                decoder.multiple_members(true);
                Body::from_stream(ReaderStream::new(decoder))
            }
            Self::Deflate => Body::from_stream(ReaderStream::new(ZlibDecoder::new(pieces))),
            _ => Body::from_stream(ReaderStream::new(BrotliDecoder::new(pieces))),
        }
    }
}
