//! One rule for every account: organization rules over many members, beside the same rules over
//! one account that holds the same resources.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ruleward_core::{
    Access, Entry, NewPolicyAssignment, Options, OrganizationPolicyAssignmentDraft, SealingKey,
    Service,
};
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{Account, ComplianceCounts, Recorder, SystemClock};

use crate::{cpu, inventory, rules};

const LEAST: u64 = 10;
const MOST: u64 = 10_000;
/// Resources of one call.
const CALL: u64 = 4_096;
const POLL: Duration = Duration::from_millis(2);

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub members: u64,
    pub resources: u64,
    pub rules: usize,
}

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// The one account: from the first request to the last verdict.
    pub account: Spent,
    /// The organization, likewise.
    pub organization: Spent,
    /// States of the organization's members.
    pub states: i64,
    /// Bytes of their planes.
    pub bytes: usize,
}

/// What something took.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    /// Seconds by the clock.
    pub wall: f64,
    /// CPU seconds of all threads: on a busy machine the steadier measure.
    pub cpu: f64,
}

/// Measures a piece of work.
fn spent(work: impl FnOnce() -> Result<()>) -> Result<Spent> {
    let (begun, before) = (Instant::now(), cpu::process_ns()?);
    work()?;
    let nanoseconds = cpu::process_ns()?.saturating_sub(before);
    Ok(Spent {
        wall: begun.elapsed().as_secs_f64(),
        cpu: Duration::from_nanos(nanoseconds).as_secs_f64(),
    })
}

struct House {
    store: Arc<dyn Store>,
    service: Arc<Service>,
}

impl House {
    fn open(database: &Path) -> Result<Self> {
        let store: Arc<dyn Store> = SqliteStore::open(database)?;
        let (clock, key) = (Arc::new(SystemClock), SealingKey::new([0; 32]));
        let service = Service::open(Arc::clone(&store), clock, &key, Options::default())?;
        Ok(Self { store, service })
    }

    fn account(&self, name: &str) -> Result<Account> {
        Ok(self.service.create_account(name, None, Recorder::ON)?)
    }

    /// Stores resources of the inventory in an account.
    fn fill(&self, account: &Account, from: u64, count: u64) -> Result<()> {
        let access = Access::operator(account);
        for first in (from..from + count).step_by(usize::try_from(CALL)?) {
            let mut lines = Vec::new();
            for n in first..(first + CALL).min(from + count) {
                serde_json::to_writer(&mut lines, &inventory::resource(1, n))?;
                lines.push(b'\n');
            }
            let report = self.service.put_resources(&access, &lines)?;
            ensure!(report.refusals.is_empty(), "the inventory is refused");
        }
        Ok(())
    }

    /// Waits until nothing is to be deployed and nothing to be judged.
    fn settle(&self) -> Result<()> {
        while self.store.read(|tx| Ok(tx.deployments_in_progress()? + tx.ticket_count()?))? > 0 {
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    fn bytes(&self) -> Result<usize> {
        Ok(self.store.read(|tx| {
            let mut bytes = 0;
            for account in tx.accounts()? {
                for chunk in tx.chunks(account.no, None, None, usize::MAX >> 1)? {
                    bytes += tx.planes(chunk.no)?.len();
                }
            }
            Ok(bytes)
        })?)
    }
}

/// Measures both, in two new stores of a folder.
pub fn measure(folder: &Path, load: Load) -> Result<Measured> {
    std::fs::create_dir_all(folder)?;
    let (account, alone) = one_account(&folder.join("account.db"), load)?;
    let (organization, together, states, bytes) = many(&folder.join("organization.db"), load)?;
    ensure!(alone == together, "the verdicts differ: {alone:?} and {together:?}");
    Ok(Measured { account, organization, states, bytes })
}

fn one_account(database: &Path, load: Load) -> Result<(Spent, ComplianceCounts)> {
    let house = House::open(database)?;
    let account = house.account("alone")?;
    house.fill(&account, 0, load.resources)?;
    let access = Access::operator(&account);
    let workers = house.service.start()?;
    let spent = spent(|| {
        for rule in rules::rules(load.rules) {
            house.service.create_policy_assignment(&access, rule)?;
        }
        house.settle()
    })?;
    drop(workers);
    Ok((spent, house.service.summary_by_domain(&access, &[])?.resources))
}

fn many(database: &Path, load: Load) -> Result<(Spent, ComplianceCounts, i64, usize)> {
    let house = House::open(database)?;
    let management = Access::operator(&house.account("management")?);
    let made = house.service.create_organization(&management, "bench", None)?;
    let id = made.organization.id;
    let mut from = 0;
    for (n, count) in sizes(load).into_iter().enumerate() {
        let member = house.account(&format!("member-{n}"))?;
        house.fill(&member, from, count)?;
        from += count;
        let domain_id = &member.domain_id;
        house.service.enter_organization(&management, &id, domain_id, None, Entry::Added)?;
    }
    let workers = house.service.start()?;
    let spent = spent(|| {
        for rule in rules::rules(load.rules) {
            let draft = draft(rule);
            house.service.put_organization_policy_assignment(&management, &id, draft)?;
        }
        house.settle()
    })?;
    drop(workers);
    let summary = house.service.organization_summary(&management, &id, usize::MAX)?;
    let states = states(&house)?;
    Ok((spent, summary.resources, states, house.bytes()?))
}

fn draft(rule: NewPolicyAssignment) -> OrganizationPolicyAssignmentDraft {
    OrganizationPolicyAssignmentDraft {
        name: rule.name,
        excluded_accounts: None,
        kind: rule.kind,
        description: rule.description,
        filter: rule.filter,
        filter_v2: Some(rule.filter_v2),
        period: rule.period,
        policy_definition_id: rule.policy_definition_id,
        custom_policy: rule.custom_policy,
        parameters: rule.parameters,
    }
}

/// States of all rules of all accounts.
fn states(house: &House) -> Result<i64> {
    Ok(house.store.read(|tx| {
        let mut states = 0;
        for account in tx.accounts()? {
            for (_, counts) in tx.rule_counts(account.no)? {
                states += counts.compliant + counts.non_compliant + counts.undetermined;
            }
        }
        Ok(states)
    })?)
}

/// How many resources each member holds: few hold many, most hold few.
fn sizes(load: Load) -> Vec<u64> {
    let of = |scale: f64| -> Vec<u64> {
        (1..=load.members)
            .map(|rank| {
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "sizes are small"
                )]
                let size = (scale / rank as f64) as u64;
                size.clamp(LEAST, MOST)
            })
            .collect()
    };
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if of(middle).iter().sum::<u64>() > load.resources {
            high = middle;
        } else {
            low = middle;
        }
    }
    let mut sizes = of(low);
    let missing = load.resources.saturating_sub(sizes.iter().sum());
    // What rounding left over goes to one that has room.
    if let Some(size) = sizes.iter_mut().find(|size| **size + missing <= MOST) {
        *size += missing;
    }
    sizes
}

/// The line that is printed.
pub fn line(load: Load, measured: &Measured) -> Result<String> {
    let Measured { account, organization, states, bytes } = measured;
    let states_of = i32::try_from(*states).map(f64::from).context("states")?;
    let bytes_of = u32::try_from(*bytes).map(f64::from).context("bytes")?;
    let Spent { wall, cpu } = organization;
    Ok(format!(
        "one account {:.3} s (CPU {:.3}), {} members {wall:.3} s (CPU {cpu:.3}), ratio {:.2} \
         (CPU {:.2}); {states} states, {:.2} bytes a state",
        account.wall,
        account.cpu,
        load.members,
        wall / account.wall,
        cpu / account.cpu,
        bytes_of / states_of.max(1.0),
    ))
}
