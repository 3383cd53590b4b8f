//! The trusted proxies in front of the server, whose headers name the client.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use feathers_core::{Error, Result};
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses and networks of proxies that are believed.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Reads addresses and networks; the error names the one that is wrong.
    pub(super) fn parse(texts: &[String]) -> Result<Self> {
        texts.iter().map(|text| network(text)).collect::<Result<_>>().map(Self)
    }

    /// Tells whether an address is that of a proxy that is believed.
    pub(super) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns the client behind a peer: each proxy is asked for the one before it, until one is not believed.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
        for text in values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            if !self.trust(client) {
                break;
            }
            let Some(address) = hop(text) else { break };
            client = address;
        }
        client
    }
}

fn network(text: &str) -> Result<IpNet> {
    let address = || text.parse::<IpAddr>().map(|address| address.to_canonical().into());
    text.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
        Error::general(format!("'{text}' is no address and no network of proxies, such as '127.0.0.1' or '10.0.0.0/8'"))
    })
}

/// Reads an address, which some proxies write with the port.
fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn proxies(texts: &[&str]) -> Result<Proxies> {
        Proxies::parse(&texts.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_wrong_proxy_is_named() {
        for wrong in ["", "localhost", "10.0.0.0/33", "10.0.0", "127.0.0.1:80", "10.0.0.0/8 "] {
            let error = proxies(&["::1", wrong]).unwrap_err();
            assert!(error.message().starts_with(&format!("'{wrong}' is no address and no network")), "{error}");
        }
    }

    #[test]
    fn s30_the_client_is_the_right_most_address_that_is_not_trusted() {
        let trusted = proxies(&["127.0.0.1", "10.0.0.0/8", "fd00::/8", "::ffff:192.168.1.1"]).unwrap();
        let check = |peer: &str, headers: &[&str], client: &str| {
            let mut map = HeaderMap::new();
            for value in headers {
                map.append(X_FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let found = trusted.client(peer.parse().unwrap(), &map);
            assert_eq!(found.to_string(), client, "{peer} {headers:?}");
        };
        // Headers of a peer that is not listed do not count.
        check("1.1.1.1", &["2.2.2.2"], "1.1.1.1");
        check("11.0.0.1", &["127.0.0.1"], "11.0.0.1");
        check("127.0.0.2", &["2.2.2.2"], "127.0.0.2");
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["2.2.2.2"], "2.2.2.2");
        // Addresses from the client stand to the left of those from the proxy.
        check("127.0.0.1", &["9.9.9.9, 2.2.2.2"], "2.2.2.2");
        check("127.0.0.1", &["9.9.9.9, 2.2.2.2,10.1.1.1 , 10.2.2.2"], "2.2.2.2");
        check("127.0.0.1", &["10.9.9.9, 2.2.2.2"], "2.2.2.2");
        // Several headers are one list.
        check("127.0.0.1", &["9.9.9.9", "2.2.2.2", "10.1.1.1"], "2.2.2.2");
        check("127.0.0.1", &["9.9.9.9", "10.1.1.1"], "9.9.9.9");
        // If all of them are proxies, the farthest one counts.
        check("127.0.0.1", &["10.3.3.3, 10.2.2.2"], "10.3.3.3");
        // An address that cannot be read ends the search.
        for garbage in ["", "unknown", "2.2.2", "é", "2.2.2.2, ", "\"2.2.2.2\"", "2.2.2.2;", "for=2.2.2.2"] {
            check("127.0.0.1", &[garbage], "127.0.0.1");
            check("127.0.0.1", &[&format!("9.9.9.9, {garbage}, 10.1.1.1")], "10.1.1.1");
        }
        check("127.0.0.1", &["2.2.2.2:4711"], "2.2.2.2");
        check("fd00::1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("fd00::1", &["[2001:db8::1]"], "2001:db8::1");
        check("fd00::1", &["2001:db8::1, ::ffff:10.0.0.1"], "2001:db8::1");
        check("192.168.1.1", &["::ffff:2.2.2.2"], "2.2.2.2");
    }
}
