//! What counts as one client where only addresses are known.

use std::net::{IpAddr, Ipv4Addr};

/// An IPv4 address, or the /64 of an IPv6 address: the smallest network that a provider gives out, in which one client
/// can use any address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientKey(Network);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4(Ipv4Addr),
    /// The upper half of the address.
    V6(u64),
}

impl From<IpAddr> for ClientKey {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => Network::V4(address),
            IpAddr::V6(address) => Network::V6(u64::try_from(address.to_bits() >> 64).unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let same = |one: &str, other: &str| {
            let source = |text: &str| text.parse::<IpAddr>().map(ClientKey::from);
            source(one) == source(other)
        };
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(!same("1.2.3.4", "1.2.3.5"));
        // Otherwise all of IPv4 would be in one /64.
        assert!(same("1.2.3.4", "::ffff:1.2.3.4"));
        assert!(!same("::ffff:1.2.3.4", "::ffff:1.2.3.5"));
    }
}
