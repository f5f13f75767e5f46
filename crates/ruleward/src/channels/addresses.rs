//! Which addresses may be spoken to: a name in a configuration must not lead into the private network
//! by accident, or because whoever owns the name wants it to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use anyhow::bail;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names, but not to addresses of this machine or of private networks.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || public(&name)).await??;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn public(name: &str) -> io::Result<Vec<SocketAddr>> {
    let mut found: Vec<SocketAddr> = (name, 0).to_socket_addrs()?.collect();
    found.retain(|address| is_public(address.ip()));
    if found.is_empty() {
        return Err(io::Error::other(
            "the name leads to private addresses only; see allow_private_addresses",
        ));
    }
    Ok(found)
}

/// Refuses a URL whose host is a private address itself: such a host is not resolved.
pub(super) fn check(url: &Url) -> anyhow::Result<()> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    if host.parse().is_ok_and(|ip| !is_public(ip)) || host == "localhost" {
        bail!("is in a private network; allow_private_addresses = true allows that");
    }
    Ok(())
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_for_protocols = a == 192 && b == 0 && c == 0;
    let is_for_benchmarks = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 224
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || is_shared
        || is_for_protocols
        || is_for_benchmarks)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let segments = ip.segments();
    match segments {
        // Translated and tunnelled addresses of the older protocol.
        [0x64, 0xff9b, .., high, low] | [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        [first, second, ..] => {
            // Only this part of the space is given out, but for the examples in it.
            (0x2000..0x4000).contains(&first) && !(first == 0x2001 && second == 0xdb8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_private() {
        for (text, expected) in [
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("fc00::1", false),
            ("fe80::1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::a00:1", false),
            ("2002:a00:1::", false),
            ("2001:4860:4860::8888", true),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        }
        for (url, expected) in [
            ("http://127.0.0.1/", false),
            ("https://[::1]:8443/", false),
            ("http://localhost:1/", false),
            ("http://2130706433/", false),
            ("https://example.com/", true),
        ] {
            assert_eq!(check(&Url::parse(url).unwrap()).is_ok(), expected, "{url}");
        }
        assert!(public("localhost").unwrap_err().to_string().contains("private"));
    }
}
