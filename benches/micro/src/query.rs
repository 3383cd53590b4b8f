//! From the text of a query to a typed query, in the two steps that hooks stand between.

use std::hint::black_box;

use feathers::Result;
use feathers::query::qs;
use feathers::query::{Paginate, Query, QueryOptions};
use feathers::schema::Record;

use crate::app::Message;
use crate::{Bench, Work, at_once};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("query/parse-page", 200, |_| Ok(parse(PAGE))),
    Bench::new("query/parse-filter", 200, |_| Ok(parse(FILTER))),
    Bench::new("query/type-page", 200, |_| typed(PAGE)),
    Bench::new("query/type-filter", 200, |_| typed(FILTER)),
];

/// What most calls ask for.
const PAGE: &str = "$limit=10&$skip=20";

/// A bit of everything, escaped as clients do.
const FILTER: &str = "user=u1&ts%5B%24gt%5D=5&%24or[0][user]=u2&%24or[1][ts][$in][]=7&%24sort%5Bts%5D=-1&%24limit=10\
                      &%24select[]=text&%24select[]=user";

/// From the text to a map.
fn parse(text: &'static str) -> Work {
    at_once(move || {
        black_box(qs::parse(black_box(text))?);
        Ok(())
    })
}

/// From the map to a typed query.
fn typed(text: &str) -> Result<Work> {
    let raw = qs::parse(text)?;
    let schema = Message::schema();
    let mut options = QueryOptions::default();
    options.paginate = Some(Paginate::new(10).max(50));
    Ok(at_once(move || {
        black_box(Query::parse(black_box(&raw), &schema, &options, true)?);
        Ok(())
    }))
}
