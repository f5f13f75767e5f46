//! Tags of rules, by themselves: listed, added, removed, and rules found by them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruleward_types::{Error, PolicyAssignment, PolicyAssignmentId, Result, Tag, limits};

use crate::Service;
use crate::access::Access;
use crate::causes::CauseKind;
use crate::inventory::TagValues;
use crate::policy_assignments::{own, recorder_is_on};

/// Which rules are wanted, by their tags.
#[derive(Debug, Clone, Default)]
pub struct TagQuery {
    /// All of these keys, each with any of its values; a key without values with any value.
    pub tags: Vec<TagValues>,
    /// Only rules without any tag, whatever `tags` says.
    pub without_any_tag: bool,
    /// Only the rule of this name.
    pub name: Option<String>,
}

/// A tag to be removed.
#[derive(Debug, Clone)]
pub struct TagRemoval {
    /// Its key.
    pub key: String,
    /// Only if it has this value.
    pub value: Option<String>,
}

impl TagQuery {
    fn matches(&self, rule: &PolicyAssignment) -> bool {
        let has = |TagValues { key, values }: &TagValues| {
            let tag = rule.tags.iter().find(|tag| tag.key == *key);
            tag.is_some_and(|tag| values.is_empty() || values.contains(&tag.value))
        };
        let by_tags =
            if self.without_any_tag { rule.tags.is_empty() } else { self.tags.iter().all(has) };
        by_tags && self.name.as_ref().is_none_or(|name| rule.name == *name)
    }
}

impl Service {
    /// The rules that match, oldest first.
    pub fn policy_assignments_by_tag(
        &self,
        access: &Access,
        query: &TagQuery,
    ) -> Result<Vec<Arc<PolicyAssignment>>> {
        let mut rules = self.read(|tx| tx.rules(access.account()))?;
        rules.retain(|rule| query.matches(rule));
        Ok(rules)
    }

    /// All tags of the account's rules, by key.
    pub fn policy_assignment_tags(&self, access: &Access) -> Result<Vec<TagValues>> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in self.read(|tx| tx.rules(access.account()))? {
            for Tag { key, value } in &rule.tags {
                keys.entry(key.clone()).or_default().insert(value.clone());
            }
        }
        let listed = |(key, values): (String, BTreeSet<String>)| TagValues {
            key,
            values: values.into_iter().collect(),
        };
        Ok(keys.into_iter().map(listed).collect())
    }

    /// Adds tags to a rule; a key that it has gets the new value.
    pub fn tag_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
        tags: Vec<Tag>,
    ) -> Result<()> {
        self.retag(access, id, move |known| {
            for tag in tags {
                match known.iter_mut().find(|of| of.key == tag.key) {
                    Some(of) => of.value = tag.value,
                    None => known.push(tag),
                }
            }
        })
    }

    /// Removes tags from a rule; one that it does not have is none the less removed.
    pub fn untag_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
        removals: Vec<TagRemoval>,
    ) -> Result<()> {
        self.retag(access, id, move |known| {
            known.retain(|tag| {
                let removes = |of: &TagRemoval| {
                    of.key == tag.key && of.value.as_ref().is_none_or(|value| *value == tag.value)
                };
                !removals.iter().any(removes)
            });
        })
    }

    fn retag(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
        change: impl FnOnce(&mut Vec<Tag>) + Send + 'static,
    ) -> Result<()> {
        let (account, id) = (access.account(), id.clone());
        self.write_by(access, CauseKind::PolicyAssignment, move |writing| {
            recorder_is_on(writing, account)?;
            let mut rule = own(writing, account, &id)?;
            let before = rule.tags.clone();
            change(&mut rule.tags);
            let most = limits::ASSIGNMENT_TAGS;
            if rule.tags.len() > most {
                return Err(Error::invalid(format!(
                    "A policy assignment has at most {most} tags."
                )));
            }
            if rule.tags == before {
                return Ok(());
            }
            rule.updated = writing.now;
            writing.update_rule(account, &rule)
        })
    }
}
