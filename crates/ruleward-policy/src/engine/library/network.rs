//! Addresses and networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::truth;
use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::value::Val;

/// A network; an address is a network of one.
#[derive(Debug, Clone, Copy)]
struct Network {
    address: IpAddr,
    /// How many bits at the start are fixed.
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            Some(_) => return None,
            None => bits,
        };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// The fixed bits, at the lower end.
    fn fixed(self, prefix: u32) -> u128 {
        match self.address {
            IpAddr::V4(address) => {
                u128::from(u32::from(address)).checked_shr(32 - prefix.min(32)).unwrap_or(0)
            }
            IpAddr::V6(address) => {
                u128::from(address).checked_shr(128 - prefix.min(128)).unwrap_or(0)
            }
        }
    }

    fn contains(self, part: Self) -> bool {
        self.address.is_ipv4() == part.address.is_ipv4()
            && self.prefix <= part.prefix
            && self.fixed(self.prefix) == part.fixed(self.prefix)
    }
}

/// Can the address be reached from the internet?
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || shared
        || first == 0
        || first >= 240)
}

/// The block from which global addresses are given out.
fn is_public_v6(address: Ipv6Addr) -> bool {
    address.segments().first().is_some_and(|first| first & 0xE000 == 0x2000)
}

impl<'a> Evaluator<'a, '_> {
    fn network(&mut self, value: Val<'a>) -> Result<Option<Network>, Reason> {
        Ok(self.text(value)?.and_then(Network::parse))
    }

    /// Does a network contain another, or an address?
    pub(super) fn cidr_contains(&mut self, a: Val<'a>, b: Val<'a>) -> Result<Val<'a>, Reason> {
        let (a, b) = (self.network(a)?, self.network(b)?);
        Ok(truth(a.zip(b).map(|(network, part)| network.contains(part))))
    }

    /// Is it the network of all addresses?
    pub(super) fn is_any_address(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        let network = self.network(value)?;
        Ok(truth(network.map(|network| network.prefix == 0)))
    }

    /// Is it an address of the internet?
    pub(super) fn is_public_address(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        let address = self.text(value)?.and_then(|text| text.parse().ok());
        Ok(truth(address.map(is_public)))
    }
}
