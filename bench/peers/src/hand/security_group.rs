//! The rules of a security group.

use std::borrow::Cow;

use sonic_rs::LazyValue;

use super::value::{elements, given, length, number, text};

/// What policies read of a rule, found in one pass over it.
#[derive(Debug, Default)]
pub struct Rule<'a> {
    ingress: bool,
    egress: bool,
    deny: bool,
    protocol: Option<LazyValue<'a>>,
    prefix: Option<LazyValue<'a>>,
    has_group: bool,
    has_address_group: bool,
    multiport: Option<LazyValue<'a>>,
    first: Option<f64>,
    last: Option<f64>,
}

/// The protocols of IP that have no ports, as the catalogue lists them.
const WITHOUT_PORTS: [&str; 7] = ["icmp", "1", "icmpv6", "ipv6-icmp", "58", "gre", "47"];

impl<'a> Rule<'a> {
    fn read(raw: &'a str) -> Self {
        let mut rule = Self::default();
        for (key, value) in sonic_rs::to_object_iter(raw).filter_map(Result::ok) {
            match key.as_ref() {
                "direction" => {
                    rule.ingress = value.as_raw_str() == "\"ingress\"";
                    rule.egress = value.as_raw_str() == "\"egress\"";
                }
                "action" => rule.deny = value.as_raw_str() == "\"deny\"",
                "protocol" => rule.protocol = Some(value),
                "remote_ip_prefix" => rule.prefix = Some(value),
                "remote_group_id" => rule.has_group = length(Some(&value)) > 0,
                "remote_address_group_id" => rule.has_address_group = length(Some(&value)) > 0,
                "multiport" => rule.multiport = Some(value),
                "port_range_min" => rule.first = number(Some(&value)),
                "port_range_max" => rule.last = number(Some(&value)),
                _ => {}
            }
        }
        rule
    }

    fn protocol(&self) -> Cow<'_, str> {
        match given(self.protocol.as_ref()) {
            None => Cow::Borrowed("any"),
            Some(value) => match text(value) {
                Some(text) if text.bytes().any(|b| b.is_ascii_uppercase()) => {
                    Cow::Owned(text.to_ascii_lowercase())
                }
                Some(text) => text,
                None => Cow::Borrowed(value.as_raw_str()),
            },
        }
    }

    fn lets_in_everybody(&self) -> bool {
        match self.prefix.as_ref().and_then(text) {
            Some(prefix) if !prefix.is_empty() => {
                matches!(prefix.as_ref(), "0.0.0.0/0" | "::/0")
            }
            _ => !self.has_group && !self.has_address_group,
        }
    }

    /// The ranges of its ports.
    fn ports(&self) -> Vec<(u32, u32)> {
        if let Some(ports) = given(self.multiport.as_ref()).and_then(text)
            && !ports.is_empty()
        {
            return parse_ports(&ports);
        }
        match (self.first, self.last) {
            (None, None) => vec![(1, 65_535)],
            (first, last) => vec![(port(first.or(last)), port(last.or(first)))],
        }
    }

    /// An inbound rule that allows everybody something.
    fn is_open(&self) -> bool {
        self.ingress && !self.deny && self.lets_in_everybody()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a port")]
fn port(of: Option<f64>) -> u32 {
    of.unwrap_or(0.0) as u32
}

/// Ranges of ports out of `22,80,100-200`.
pub fn parse_ports(text: &str) -> Vec<(u32, u32)> {
    text.split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        })
        .collect()
}

fn meet(ranges: &[(u32, u32)], ports: &[(u32, u32)]) -> bool {
    ranges.iter().any(|(a, b)| ports.iter().any(|(c, d)| a <= d && c <= b))
}

/// Does one range of `outer` hold each of `inner`? `outer` is joined before.
fn holds(outer: &[(u32, u32)], inner: &[(u32, u32)]) -> bool {
    inner.iter().all(|(c, d)| outer.iter().any(|(a, b)| a <= c && d <= b))
}

fn any(rules: Option<&LazyValue<'_>>, judge: impl Fn(&Rule<'_>) -> bool) -> bool {
    elements(rules).any(|rule| judge(&Rule::read(rule.as_raw_str())))
}

/// Does a rule let everybody reach one of these TCP ports?
pub fn opens_tcp(rules: Option<&LazyValue<'_>>, ports: &[(u32, u32)]) -> bool {
    any(rules, |rule| {
        rule.is_open()
            && matches!(rule.protocol().as_ref(), "tcp" | "6" | "any" | "")
            && meet(&rule.ports(), ports)
    })
}

/// Does a rule let everybody reach one of these ports, by any protocol that has ports?
pub fn opens(rules: Option<&LazyValue<'_>>, ports: &[(u32, u32)]) -> bool {
    any(rules, |rule| {
        rule.is_open()
            && !WITHOUT_PORTS.contains(&rule.protocol().as_ref())
            && meet(&rule.ports(), ports)
    })
}

/// Does a rule let everybody reach every TCP or every UDP port?
pub fn opens_all(rules: Option<&LazyValue<'_>>) -> bool {
    any(rules, |rule| {
        rule.is_open()
            && matches!(rule.protocol().as_ref(), "tcp" | "6" | "udp" | "17" | "any" | "")
            && holds(&rule.ports(), &[(1, 65_535)])
    })
}

/// Does an inbound rule allow a port that is not in the list?
pub fn leaves(rules: Option<&LazyValue<'_>>, ports: &[(u32, u32)]) -> bool {
    any(rules, |rule| {
        rule.ingress
            && !rule.deny
            && !WITHOUT_PORTS.contains(&rule.protocol().as_ref())
            && !holds(ports, &rule.ports())
    })
}

/// Does a rule allow anything at all?
pub fn allows(rules: Option<&LazyValue<'_>>) -> bool {
    any(rules, |rule| (rule.ingress || rule.egress) && !rule.deny)
}
