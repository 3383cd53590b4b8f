//! The share of one client, and the rest for others.

use super::*;

const MIB: usize = 1 << 20;

fn budget(all: usize, address: Option<usize>, connection: usize) -> Budget {
    let (max_in_flight_per_address, max_in_flight_per_connection) = (address, connection);
    let limits = Limits { max_in_flight: all, max_in_flight_per_address, max_in_flight_per_connection };
    Budget::new(limits, BODY_TIME)
}

fn account(budget: &Budget, address: &str) -> Arc<Account> {
    budget.link().account(address.parse().ok())
}

fn codes(results: [Result<Permit>; 2]) -> [u16; 2] {
    results.map(|result| result.map_or_else(|error| error.code(), |_| 200))
}

#[test]
fn each_bound_has_its_error() {
    let budget = budget(10 * MIB, Some(4 * MIB), 2 * MIB);
    let one = account(&budget, "1.1.1.1");
    let held = one.take(2 * MIB).unwrap();
    let error = one.take(1).unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (429, None));
    let other = account(&budget, "1.1.1.1").take(2 * MIB).unwrap();
    let error = account(&budget, "::ffff:1.1.1.1").take(1).unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (429, Some(LATER)));
    drop(other);
    let error = budget.link().account(None).take(9 * MIB).unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (503, Some(LATER)));
    // The last eighth is for addresses that hold little.
    assert_eq!(budget.link().account(None).take(7 * MIB).unwrap_err().code(), 503);
    drop(held);
    assert_eq!(budget.0.used.load(Ordering::Relaxed), 0);
    drop(one);
    assert_eq!(budget.addresses().len(), 0);
}

#[test]
fn what_is_alone_on_a_connection_is_never_too_much_for_it() {
    let budget = budget(10 * MIB, Some(8 * MIB), MIB);
    let account = account(&budget, "1.1.1.1");
    let alone = account.take(5 * MIB).unwrap();
    assert_eq!(codes([account.take(1), account.take(MIB)]), [429, 429]);
    drop(alone);
    assert!(account.take(MIB).is_ok());
}

#[test]
fn something_is_left_for_others_however_many_take_all_they_can() {
    let budget = budget(128 * MIB, Some(64 * MIB), usize::MAX);
    let mut held = Vec::new();
    for n in 0..200 {
        let account = account(&budget, &format!("1.1.1.{n}"));
        for piece in [MIB, MIB / 16, 1_024] {
            held.extend(std::iter::from_fn(|| account.take(piece).ok()));
        }
    }
    let new = account(&budget, "2.2.2.2");
    assert_eq!(codes([new.take(MIB), new.take(LEAST)]), [503, 200]);
    let known = account(&budget, "1.1.1.1");
    assert_eq!(known.take(1).unwrap_err().code(), 503);
    assert!(budget.0.used.load(Ordering::Relaxed) < 128 * MIB);
    held.clear();
    assert_eq!(budget.0.used.load(Ordering::Relaxed), 0);
}

#[test]
fn the_default_of_an_address_is_not_for_the_same_machine() {
    let take = |address: Option<usize>| {
        let account = account(&budget(1 << 30, address, usize::MAX), "127.0.0.1");
        let held: Vec<_> = (0..100).map_while(|_| account.take(MIB).ok()).collect();
        held.len()
    };
    assert_eq!((take(None), take(Some(3 * MIB))), (100, 3));
}

#[test]
fn a_permit_grows_and_goes_with_the_bytes() {
    let budget = budget(10 * MIB, None, 4 * MIB);
    let account = account(&budget, "1.1.1.1");
    let used = || budget.0.used.load(Ordering::Relaxed);
    let mut permit = account.take(MIB).unwrap();
    permit.grow(3 * MIB).unwrap();
    permit.grow(MIB).unwrap();
    let other = account.take(1).unwrap();
    assert!(permit.grow(5 * MIB).is_err());
    drop(other);
    assert_eq!(used(), 3 * MIB);
    permit.grow(5 * MIB).unwrap();
    let bytes = permit.hold(Bytes::from_static(b"text"));
    let part = bytes.slice(1..2);
    drop(bytes);
    assert_eq!((&part[..], used()), (&b"e"[..], 5 * MIB));
    drop(part);
    assert_eq!(used(), 0);
    let beyond = account.take_anyway(11 * MIB);
    assert_eq!(codes([account.take(1), self::account(&budget, "2.2.2.2").take(1)]), [429, 503]);
    drop(beyond);
    assert_eq!(used(), 0);
}
