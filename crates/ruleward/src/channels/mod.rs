//! Topics and buckets as the configuration resolves them.

mod addresses;
mod bucket;
mod topic;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use ruleward_core::{Bucket, Channels, Folders, Topic};
use ruleward_types::Account;

use self::bucket::ObjectBuckets;
use self::topic::HttpTopic;
use crate::config;

/// What the configuration names, and for development everything else in a folder.
#[derive(Debug)]
struct Configured {
    topics: Vec<(config::Topic, Arc<HttpTopic>)>,
    buckets: Vec<(config::Bucket, Option<ObjectBuckets>)>,
    give_up_after_s: i64,
    others: Option<Folders>,
}

/// The channels of a configuration. With `dev`, names that it does not know are parts of that folder.
/// They live as long as the process.
pub fn open(
    config: &config::Channels,
    dev: Option<&Path>,
) -> anyhow::Result<&'static dyn Channels> {
    let topics = config.topics.iter().map(|topic| {
        let opened =
            HttpTopic::open(topic).with_context(|| format!("[[channels.topics]] {}", topic.urn))?;
        anyhow::Ok((topic.clone(), Arc::new(opened)))
    });
    let buckets = config.buckets.iter().map(|bucket| {
        let store = bucket
            .s3
            .as_ref()
            .map(ObjectBuckets::open)
            .transpose()
            .with_context(|| format!("[[channels.buckets]] {}", bucket.name))?;
        anyhow::Ok((bucket.clone(), store))
    });
    let configured = Configured {
        topics: topics.collect::<Result<_, _>>()?,
        buckets: buckets.collect::<Result<_, _>>()?,
        give_up_after_s: i64::from(config.give_up_after_hours) * 3600,
        others: dev.map(Folders::new),
    };
    Ok(Box::leak(Box::new(configured)))
}

impl Channels for Configured {
    fn topic(&self, account: &Account, urn: &str) -> Option<Arc<dyn Topic>> {
        let found = self
            .topics
            .iter()
            .find(|(of, _)| fits(&of.urn, urn) && may_use(of.accounts.as_deref(), account));
        match found {
            Some((_, topic)) => Some(Arc::clone(topic) as Arc<dyn Topic>),
            None => self.others.as_ref()?.topic(account, urn),
        }
    }

    fn bucket(&self, account: &Account, name: &str) -> Option<Arc<dyn Bucket>> {
        let found = self
            .buckets
            .iter()
            .find(|(of, _)| fits(&of.name, name) && may_use(of.accounts.as_deref(), account));
        match found {
            Some((_, Some(store))) => store.bucket(name),
            Some((of, None)) => Some(Folders::bucket_in(of.folder.as_ref()?.join(name))),
            None => self.others.as_ref()?.bucket(account, name),
        }
    }

    fn give_up_after_s(&self) -> i64 {
        self.give_up_after_s
    }
}

fn may_use(accounts: Option<&[String]>, account: &Account) -> bool {
    accounts.is_none_or(|accounts| {
        accounts.iter().any(|known| *known == account.domain_id || *known == account.name)
    })
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("urn:smn:r:p:t", "urn:smn:r:p:t", true),
            ("urn:smn:r:p:t", "urn:smn:r:p:tt", false),
            ("urn:smn:*:*:t", "urn:smn:r:p:t", true),
            ("urn:smn:*:*:t", "urn:smn:r:p:u", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "a", false),
            ("ab*ba", "aba", false),
            ("*b*", "abc", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
