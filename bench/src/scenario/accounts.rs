//! Many small accounts, for what states take there.

use std::path::Path;

use anyhow::Result;
use ruleward_core::Access;
use ruleward_types::Recorder;
use serde_json::Value;

use super::{open, reads};
use crate::{inventory, rules};

/// Makes so many accounts with so many resources and ten rules of the mix each; what their
/// states take.
pub fn accounts(database: &Path, count: u64, resources: u64) -> Result<Value> {
    let (service, _) = open(database)?;
    for account in 0..count {
        let made = service.create_account(&format!("small-{account}"), None, Recorder::ON)?;
        let access = Access::operator(&made);
        let mut lines = Vec::new();
        for n in 0..resources {
            serde_json::to_writer(&mut lines, &inventory::resource(account + 1, n))?;
            lines.push(b'\n');
        }
        for rule in rules::mix(0)? {
            service.create_policy_assignment(&access, rule)?;
        }
        service.put_resources(&access, &lines)?;
    }
    service.work_off()?;
    drop(service);
    reads::states(database)
}
