//! Deployment: bringing the members' rules to what their organizations want.
//!
//! A reconciler over a durable queue. A row of the queue says where to look (this rule, that
//! member), not what to do; what to do follows from the organization, the member and the member's
//! own rule as they stand in the transaction. So a crash anywhere loses nothing, and doing a row
//! twice does no harm.
//!
//! Rules of members with small inventories are judged ahead ([`ahead`]), on a snapshot outside
//! the writer, and stored together with their verdicts ([`account`]); those of large ones get
//! tickets like any other rule.

mod account;
mod ahead;

use std::collections::HashMap;
use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::{
    AccountNo, DeploymentFailure, Organization, OrganizationDeployment, OrganizationDeploymentNo,
    OrganizationPolicyAssignment, OrganizationRuleNo, PolicyAssignment, Result, Timestamp,
};

use self::ahead::Ahead;
use crate::Service;
use crate::causes::{Cause, CauseKind};
use crate::organization_policy_assignments::template;

/// Deployments of one commit. Members' rules are many small writes, so that they share commits;
/// whoever else writes waits for one of these at most.
const BATCH: usize = 128;
/// Resources that are judged ahead for one commit.
const AHEAD_RESOURCES: usize = 32_768;

/// The deployments of one account, and what was judged of them.
#[derive(Debug)]
struct Work {
    account: AccountNo,
    deployments: Vec<OrganizationDeploymentNo>,
    ahead: Option<Ahead>,
}

/// An organization rule with what every member gets of it.
#[derive(Debug)]
struct Wanted {
    rule: OrganizationPolicyAssignment,
    organization: Organization,
    /// What the members get, or why it cannot be: its policy may be gone.
    template: Result<PolicyAssignment, DeploymentFailure>,
}

/// The organization rules that a batch meets, read once.
#[derive(Debug, Default)]
struct Rules(HashMap<OrganizationRuleNo, Option<Arc<Wanted>>>);

impl Rules {
    fn get(
        &mut self,
        tx: &dyn ReadTx,
        service: &Service,
        no: OrganizationRuleNo,
    ) -> Result<Option<Arc<Wanted>>> {
        if let Some(known) = self.0.get(&no) {
            return Ok(known.clone());
        }
        let read = read_wanted(tx, service, no)?.map(Arc::new);
        self.0.insert(no, read.clone());
        Ok(read)
    }
}

fn read_wanted(
    tx: &dyn ReadTx,
    service: &Service,
    no: OrganizationRuleNo,
) -> Result<Option<Wanted>> {
    let Some(rule) = tx.organization_rule(no)? else { return Ok(None) };
    let Some(organization) = tx.organization(rule.organization)? else { return Ok(None) };
    let template =
        template(&rule, &organization, service.catalogue).map_err(|e| DeploymentFailure::from(&e));
    Ok(Some(Wanted { rule, organization, template }))
}

impl Service {
    /// Works on deployments whose time has come, for one commit; whether there were any.
    pub(crate) fn deploy(self: &Arc<Self>) -> Result<bool> {
        let now = self.clock().now();
        let batch = self.claim_deployments(now)?;
        if batch.is_empty() {
            return Ok(false);
        }
        let accounts: Vec<AccountNo> = batch.iter().map(|work| work.account).collect();
        let done = self.deploy_batch(batch, now);
        self.signal.release_accounts(&accounts);
        done.map(|()| true)
    }

    fn claim_deployments(&self, now: Timestamp) -> Result<Vec<Work>> {
        // What others have in hand comes first in the queue: the threads that judge, and the one
        // that watches the clock.
        let threads =
            if self.signal.is_deploying() { self.options.evaluation_threads + 1 } else { 0 };
        let due = self.read(|tx| tx.due_deployments(now, BATCH * (threads + 1)))?;
        let mut batch: Vec<Work> = Vec::new();
        let mut taken = 0;
        for OrganizationDeployment { account, no, .. } in due {
            match batch.last_mut() {
                Some(last) if last.account == account => last.deployments.push(no),
                _ if taken >= BATCH => break,
                _ if !self.signal.claim_account(account) => continue,
                _ => batch.push(Work { account, deployments: vec![no], ahead: None }),
            }
            taken += 1;
        }
        Ok(batch)
    }

    fn deploy_batch(self: &Arc<Self>, mut batch: Vec<Work>, now: Timestamp) -> Result<()> {
        self.read(|tx| {
            let mut rules = Rules::default();
            let mut left = AHEAD_RESOURCES;
            for work in &mut batch {
                work.ahead = ahead::judge(tx, self, &mut rules, work, &mut left)?;
            }
            Ok(())
        })?;
        let cause = Cause::server(CauseKind::Organization);
        self.write_because(cause, move |writing| {
            let mut rules = Rules::default();
            for work in batch {
                account::bring(writing, &mut rules, work, now)?;
            }
            writing.service.signal.wake_after_commit();
            Ok(())
        })
    }
}
