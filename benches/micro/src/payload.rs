//! From records to the bytes that leave the server.

use std::hint::black_box;
use std::sync::Arc;

use feathers::Payload;
use feathers::schema::FieldMask;

use crate::app::{Message, message};
use crate::{Bench, Work, at_once};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("payload/record", 200, |_| Ok(one())),
    Bench::new("payload/page", 100, |_| Ok(page(FieldMask::All))),
    Bench::new("payload/page-hidden", 100, |_| Ok(page(FieldMask::Except(["user".into()].into())))),
    Bench::new("payload/page-select", 100, |_| Ok(page(FieldMask::Only(["id".into(), "text".into()].into())))),
];

fn one() -> Work {
    let record = Arc::new(message(1));
    at_once(move || {
        black_box(Payload::record(record.clone(), FieldMask::All).to_bytes()?);
        Ok(())
    })
}

/// A page of ten.
fn page(mask: FieldMask) -> Work {
    let records: Vec<Arc<Message>> = (1..=10).map(message).map(Arc::new).collect();
    at_once(move || {
        black_box(Payload::page(records.clone(), mask.clone(), 1_000, Some(10), 20).to_bytes()?);
        Ok(())
    })
}
