//! Summaries. Without a filter they read kept numbers only; with one they take unions over
//! planes, never over rows.

use std::borrow::Borrow;
use std::ops::ControlFlow;
use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::{
    AccountNo, AssignmentSummary, ChunkNo, ComplianceCounts, DomainSummary, PolicyAssignment,
    PolicyAssignmentId, ResourceKey, ResourceSummary, Result, RuleNo,
};

use crate::Service;
use crate::access::Access;
use crate::account_resource;
use crate::evaluation::bits::Bits;
use crate::evaluation::each_chunk::each_chunk;
use crate::evaluation::planes::{Planes, plane_no};
use crate::evaluation::view;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::policy_assignments::not_found;
use crate::policy_states::resource_keys;

/// A tag by which rules are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSelector {
    /// Key.
    pub key: String,
    /// Value; any where absent.
    pub value: Option<String>,
}

impl TagSelector {
    pub(crate) fn selects(&self, rule: &PolicyAssignment) -> bool {
        rule.tags.iter().any(|tag| {
            tag.key == self.key && self.value.as_ref().is_none_or(|value| *value == tag.value)
        })
    }
}

impl Service {
    /// An account in numbers; of the rules that carry any of the tags, where tags are given.
    pub fn summary_by_domain(
        &self,
        access: &Access,
        tags: &[TagSelector],
    ) -> Result<DomainSummary> {
        let account = access.account();
        self.read(|tx| {
            let counts = tx.rule_counts(account)?;
            let mut rules = tx.rules(account)?;
            rules.retain(|rule| {
                rule.judges() && (tags.is_empty() || tags.iter().any(|tag| tag.selects(rule)))
            });
            let resources = if tags.is_empty() {
                tx.account_counts(account)?
            } else {
                union(tx, account, &rules)?
            };
            Ok(DomainSummary {
                resources,
                assignments: assignment_counts(&rules, &counts),
                policy_assignments: rules
                    .into_iter()
                    .map(|rule| AssignmentSummary {
                        resources: counts_of(&counts, rule.no),
                        policy_assignment: rule,
                    })
                    .collect(),
            })
        })
    }

    /// A rule in numbers; of the resources of that name, where one is given.
    pub fn summary_by_assignment(
        &self,
        access: &Access,
        id: &PolicyAssignmentId,
        resource_name: Option<&str>,
    ) -> Result<AssignmentSummary> {
        let account = access.account();
        self.read(|tx| {
            let rule = tx.rule_by_id(account, id)?.ok_or_else(not_found)?;
            let resources = match resource_name {
                None => counts_of(&tx.rule_counts(account)?, rule.no),
                Some(name) => counts_by_name(tx, account, &rule, name)?,
            };
            Ok(AssignmentSummary { policy_assignment: Arc::new(rule), resources })
        })
    }

    /// Every resource that has a state, in numbers of enabled rules.
    pub fn summary_by_resource(
        &self,
        access: &Access,
        resource_id: Option<&str>,
        resource_name: Option<&str>,
        page: Page,
    ) -> Result<Paged<ResourceSummary>> {
        let account = access.account();
        self.read(|tx| {
            let rules: Vec<u32> = tx
                .rules(account)?
                .iter()
                .filter(|rule| rule.judges())
                .map(|rule| plane_no(rule.no))
                .collect();
            let after = page.after.map_or(-1, |Cursor(key, _)| key);
            let mut found = Collector::new(page);
            if let Some(id) = resource_id {
                let mut keys = resource_keys(tx, account, id)?;
                keys.sort();
                for key in keys.into_iter().filter(|key| key.0 > after) {
                    let planes = Planes::decode(tx.planes(key.chunk())?)?;
                    summarize(tx, access, &planes, key, &rules, resource_name, &mut found)?;
                }
                return Ok(found.finish());
            }
            each_planes(tx, account, after, |chunk, planes| {
                let mut judged = Bits::with_words(planes.words());
                for of in rules.iter().filter_map(|no| planes.rule(*no)) {
                    judged.or(&of.compliant());
                    judged.or(&of.non_compliant);
                }
                let first = ResourceKey::new(chunk, 0).0;
                let from = usize::try_from(after + 1 - first).unwrap_or(0);
                for slot in judged.iter_from(from) {
                    let key = ResourceKey::new(chunk, slot);
                    summarize(tx, access, planes, key, &rules, resource_name, &mut found)?;
                    if found.is_full() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(found.finish())
        })
    }
}

fn counts_of(counts: &[(RuleNo, ComplianceCounts)], rule: RuleNo) -> ComplianceCounts {
    counts
        .binary_search_by_key(&rule, |(no, _)| *no)
        .ok()
        .and_then(|n| counts.get(n))
        .map_or_else(ComplianceCounts::default, |(_, counts)| *counts)
}

/// Enabled rules by verdict. A rule without a verdict counts nowhere, one with resources that
/// could not be determined is not called compliant.
pub(crate) fn assignment_counts(
    rules: &[impl Borrow<PolicyAssignment>],
    counts: &[(RuleNo, ComplianceCounts)],
) -> ComplianceCounts {
    let mut assignments = ComplianceCounts::default();
    for rule in rules.iter().map(Borrow::borrow).filter(|rule| rule.judges()) {
        let resources = counts_of(counts, rule.no);
        if resources.non_compliant > 0 {
            assignments.non_compliant += 1;
        } else if resources.undetermined > 0 {
            assignments.undetermined += 1;
        } else if resources.compliant > 0 {
            assignments.compliant += 1;
        }
    }
    assignments
}

/// Calls for the planes of each chunk of an account from a key on, until it says stop.
fn each_planes(
    tx: &dyn ReadTx,
    account: AccountNo,
    after: i64,
    mut visit: impl FnMut(ChunkNo, &Planes) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let past = ChunkNo(ResourceKey(after.max(0)).chunk().0 - 1);
    each_chunk(tx, account, None, Some(past), |chunk| {
        visit(chunk.no, &Planes::decode(tx.planes(chunk.no)?)?)
    })
}

fn union(
    tx: &dyn ReadTx,
    account: AccountNo,
    rules: &[Arc<PolicyAssignment>],
) -> Result<ComplianceCounts> {
    let chosen: Vec<u32> = rules.iter().map(|rule| plane_no(rule.no)).collect();
    let mut all = ComplianceCounts::default();
    each_planes(tx, account, -1, |_, planes| {
        all.add(planes.tally(|no| chosen.contains(&no)));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

fn counts_by_name(
    tx: &dyn ReadTx,
    account: AccountNo,
    rule: &PolicyAssignment,
    name: &str,
) -> Result<ComplianceCounts> {
    let no = plane_no(rule.no);
    let mut counts = ComplianceCounts::default();
    each_planes(tx, account, -1, |chunk, planes| {
        let Some(of) = planes.rule(no) else { return Ok(ControlFlow::Continue(())) };
        for slot in of.scope.iter_from(0) {
            let stored = tx.resource(ResourceKey::new(chunk, slot))?;
            let matches = stored.map_or_else(
                || name == account_resource::NAME,
                |stored| view::read_head(&stored.body).name == name,
            );
            if matches {
                counts.add(of.verdict(slot).counts());
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(counts)
}

fn summarize(
    tx: &dyn ReadTx,
    access: &Access,
    planes: &Planes,
    key: ResourceKey,
    rules: &[u32],
    resource_name: Option<&str>,
    found: &mut Collector<ResourceSummary>,
) -> Result<()> {
    let mut assignments = ComplianceCounts::default();
    for rule in rules {
        assignments.add(planes.verdict(*rule, key.slot()).counts());
    }
    if assignments.compliant + assignments.non_compliant == 0 {
        return Ok(());
    }
    let domain_id = access.domain_id().to_owned();
    let summary = match tx.resource(key)? {
        Some(stored) => {
            let view = view::read_head(&stored.body);
            ResourceSummary {
                domain_id,
                region_id: Some(view.region_id.into_owned()),
                resource_id: view.id.into_owned(),
                resource_name: Some(view.name.into_owned()),
                resource_provider: Some(view.provider.into_owned()),
                resource_type: Some(view.type_name.into_owned()),
                assignments,
            }
        }
        None => ResourceSummary {
            region_id: Some(account_resource::REGION.to_owned()),
            resource_id: domain_id.clone(),
            domain_id,
            resource_name: Some(account_resource::NAME.to_owned()),
            resource_provider: None,
            resource_type: None,
            assignments,
        },
    };
    if resource_name.is_none_or(|name| summary.resource_name.as_deref() == Some(name)) {
        found.push(Cursor(key.0, 0), summary);
    }
    Ok(())
}
