//! An invented account, so that the first look shows a real picture.

mod inventory;
pub mod organization;
mod random;
mod rules;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use ruleward_core::{Access, Page, PolicyAssignmentQuery, Service};
use ruleward_types::{Account, AssignmentState};

const POLL: Duration = Duration::from_millis(5);
/// Judging the sample takes milliseconds; nobody waits longer than this for it.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Fills an account that has no rules: resources first, then the rules, and waits until these
/// have judged. `has_resources` tells whether somebody has stored some already.
pub fn seed(service: &Arc<Service>, account: &Account, has_resources: bool) -> anyhow::Result<()> {
    let access = Access::operator(account);
    let page = Page { limit: 1, after: None };
    let rules = service.policy_assignments(&access, &PolicyAssignmentQuery::default(), page)?;
    if has_resources || !rules.items.is_empty() {
        tracing::info!(account.id = %account.domain_id, "account is in use, no sample is added");
        return Ok(());
    }
    let inventory = inventory::Inventory::invent(service.clock().now(), inventory::SEED);
    let report = service.put_resources(&access, &inventory.lines()?)?;
    if let Some(refusal) = report.refusals.first() {
        bail!("sample resource {}: {}", refusal.line, refusal.reason);
    }
    let rules = rules::rules(&inventory);
    let count = rules.len();
    for rule in rules {
        let name = rule.name.clone();
        service
            .create_policy_assignment(&access, rule)
            .with_context(|| format!("sample rule {name}"))?;
    }
    let judged = wait(service, &access)?;
    tracing::info!(
        account.id = %account.domain_id,
        resources.created = report.created,
        rules.created = count,
        rules.judged = judged,
        "sample added"
    );
    Ok(())
}

/// Waits until no rule is judging any more, but not for long.
fn wait(service: &Service, access: &Access) -> anyhow::Result<bool> {
    let began = Instant::now();
    while began.elapsed() < LONGEST_WAIT {
        let page = Page { limit: 100, after: None };
        let rules = service.policy_assignments(access, &PolicyAssignmentQuery::default(), page)?;
        if rules.items.iter().all(|rule| rule.state == AssignmentState::Enabled) {
            return Ok(true);
        }
        thread::sleep(POLL);
    }
    Ok(false)
}
