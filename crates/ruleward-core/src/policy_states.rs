//! Policy states: the verdicts, listed.

use std::ops::ControlFlow;
use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::{
    Account, AccountNo, AssignmentKind, ChunkNo, ComplianceState, Error, ErrorCode,
    PolicyAssignment, PolicyAssignmentId, PolicyState, ResourceKey, ResourceType, Result, RuleNo,
    StateQuery, Timestamp, TriggerType,
};

use crate::Service;
use crate::access::Access;
use crate::account_resource;
use crate::evaluation::bits::Bits;
use crate::evaluation::each_chunk::each_chunk;
use crate::evaluation::planes::{Planes, RulePlanes, Verdict, plane_no};
use crate::evaluation::view;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::policy_assignments::not_found;

impl Service {
    /// The states of one rule.
    pub fn policy_states_by_assignment(
        &self,
        access: &Access,
        id: &PolicyAssignmentId,
        query: &StateQuery,
        page: Page,
    ) -> Result<Paged<PolicyState>> {
        self.read(|tx| {
            let rule = tx.rule_by_id(access.account(), id)?.ok_or_else(not_found)?;
            Listing::new(tx, access.account(), vec![Arc::new(rule)], query)?.list(page)
        })
    }

    /// The states of an account.
    pub fn policy_states_by_domain(
        &self,
        access: &Access,
        query: &StateQuery,
        page: Page,
    ) -> Result<Paged<PolicyState>> {
        self.read(|tx| {
            let rules = tx.rules(access.account())?;
            Listing::new(tx, access.account(), rules, query)?.list(page)
        })
    }

    /// The states of one resource; 404 if there is no such resource. The account's id names
    /// the account pseudo-resource. Several resources of one id: the one changed last.
    pub fn policy_states_by_resource(
        &self,
        access: &Access,
        resource_id: &str,
        state: Option<ComplianceState>,
        page: Page,
    ) -> Result<Paged<PolicyState>> {
        self.read(|tx| {
            let account = access.account();
            let known = resource_keys(tx, account, resource_id)?;
            let mut newest = None;
            for key in known {
                let version = tx.resource(key)?.map_or(0, |stored| stored.version);
                newest = newest.max(Some((version, key)));
            }
            let Some((_, key)) = newest else {
                return Err(Error::with(ErrorCode::NotFound, "No resource has this id."));
            };
            let query = StateQuery { compliance_state: state, ..StateQuery::default() };
            let mut listing = Listing::new(tx, account, tx.rules(account)?, &query)?;
            listing.only = Some(vec![key]);
            listing.list(page)
        })
    }
}

pub(crate) fn type_of(tx: &dyn ReadTx, chunk: ChunkNo) -> Result<Option<ResourceType>> {
    match tx.chunk(chunk)? {
        Some(chunk) => tx.resource_type(chunk.type_no),
        None => Ok(None),
    }
}

/// The resources of an id; the account's own id names the account pseudo-resource too.
pub(crate) fn resource_keys(
    tx: &dyn ReadTx,
    account: AccountNo,
    id: &str,
) -> Result<Vec<ResourceKey>> {
    let mut keys = tx.resources_by_id(account, id)?;
    let named = tx.account(account)?.is_some_and(|account| account.domain_id == id);
    if named {
        keys.extend(account_key(tx, account)?);
    }
    Ok(keys)
}

pub(crate) fn account_key(tx: &dyn ReadTx, account: AccountNo) -> Result<Option<ResourceKey>> {
    let of_account = tx.types(account)?.into_iter().find(|row| row.resource_type.is_account());
    let Some(row) = of_account else { return Ok(None) };
    let chunk = tx.last_chunk(account, row.no, true)?;
    Ok(chunk.map(|chunk| ResourceKey::new(chunk.no, 0)))
}

/// A rule while its states are listed.
pub(crate) struct ListedRule {
    pub(crate) rule: Arc<PolicyAssignment>,
    no: u32,
    /// When its last complete run ended; else when the run that is going on began.
    judged: Timestamp,
}

/// A list of states on one snapshot.
pub(crate) struct Listing<'a> {
    tx: &'a dyn ReadTx,
    account: Account,
    /// Ascending by number.
    pub(crate) rules: Vec<ListedRule>,
    query: StateQuery,
    /// Only these resources.
    only: Option<Vec<ResourceKey>>,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(
        tx: &'a dyn ReadTx,
        account: AccountNo,
        rules: Vec<Arc<PolicyAssignment>>,
        query: &StateQuery,
    ) -> Result<Self> {
        let account =
            tx.account(account)?.ok_or_else(|| Error::internal("list states", "no account"))?;
        let only = match &query.resource_id {
            Some(id) => Some(resource_keys(tx, account.no, id)?),
            None => None,
        };
        let mut listed = Vec::with_capacity(rules.len());
        for rule in rules {
            let run = match tx.last_completed_run(rule.no)? {
                Some(run) => run.ended,
                None => tx.last_run(rule.no)?.map(|run| run.started),
            };
            listed.push(ListedRule {
                no: plane_no(rule.no),
                judged: run.unwrap_or(rule.created),
                rule,
            });
        }
        Ok(Self { tx, account, rules: listed, query: query.clone(), only })
    }

    fn list(&self, page: Page) -> Result<Paged<PolicyState>> {
        let mut found = Collector::new(page);
        let after = page.after.unwrap_or(Cursor(-1, -1));
        if let Some(keys) = &self.only {
            let mut keys = keys.clone();
            keys.sort();
            for key in keys.into_iter().filter(|key| key.0 >= after.0) {
                let planes = Planes::decode(self.tx.planes(key.chunk())?)?;
                self.list_slot(&planes, key, after, &mut found)?;
            }
            return Ok(found.finish());
        }
        let from = ResourceKey(after.0.max(0));
        // The chunk of the last item itself may hold more.
        let past = Some(ChunkNo(from.chunk().0 - 1));
        each_chunk(self.tx, self.account.no, None, past, |chunk| {
            let first = if chunk.no == from.chunk() { from.slot() } else { 0 };
            let planes = Planes::decode(self.tx.planes(chunk.no)?)?;
            let mut wanted = Bits::with_words(planes.words());
            for rule in &self.rules {
                if let Some(of) = planes.rule(rule.no) {
                    wanted.or(&self.wanted(of));
                }
            }
            for slot in wanted.iter_from(first) {
                self.list_slot(&planes, ResourceKey::new(chunk.no, slot), after, &mut found)?;
                if found.is_full() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found.finish())
    }

    fn wanted(&self, of: &RulePlanes) -> Bits {
        match self.query.compliance_state {
            Some(ComplianceState::NonCompliant) => of.non_compliant.clone(),
            Some(ComplianceState::Compliant) => of.compliant(),
            None => {
                let mut either = of.compliant();
                either.or(&of.non_compliant);
                either
            }
        }
    }

    fn list_slot(
        &self,
        planes: &Planes,
        key: ResourceKey,
        after: Cursor,
        found: &mut Collector<PolicyState>,
    ) -> Result<()> {
        let mut named_so = None;
        for rule in &self.rules {
            let at = Cursor(key.0, rule.rule.no.0);
            if at <= after {
                continue;
            }
            let state = match planes.verdict(rule.no, key.slot()) {
                Verdict::Compliant => ComplianceState::Compliant,
                Verdict::NonCompliant => ComplianceState::NonCompliant,
                Verdict::Undetermined | Verdict::OutOfScope => continue,
            };
            if self.query.compliance_state.is_some_and(|wanted| wanted != state) {
                continue;
            }
            if let Some(name) = &self.query.resource_name {
                let matches = match named_so {
                    Some(known) => known,
                    None => self.is_named(key, name)?,
                };
                named_so = Some(matches);
                if !matches {
                    return Ok(());
                }
            }
            if !found.has_room() {
                found.overflow();
                return Ok(());
            }
            found.push(at, self.state(key, rule, state)?);
        }
        Ok(())
    }

    fn is_named(&self, key: ResourceKey, name: &str) -> Result<bool> {
        Ok(match self.tx.resource(key)? {
            Some(stored) => view::read_head(&stored.body).name == name,
            None => name == account_resource::NAME,
        })
    }

    /// One state with all that the wire shows.
    pub(crate) fn state(
        &self,
        key: ResourceKey,
        rule: &ListedRule,
        compliance_state: ComplianceState,
    ) -> Result<PolicyState> {
        let stored = self.tx.resource(key)?;
        let reported = match rule.rule.kind {
            AssignmentKind::Custom => self.tx.reported_result(RuleNo(rule.no.into()), key)?,
            AssignmentKind::Builtin => None,
        };
        let changed = Timestamp(stored.as_ref().map_or(0, |stored| stored.version));
        let evaluation_time = match (reported, rule.rule.trigger) {
            (Some(reported), _) => reported.evaluation_time,
            (None, TriggerType::Resource) => rule.judged.max(changed),
            (None, TriggerType::Period) => rule.judged,
        };
        let mut state = PolicyState {
            domain_id: self.account.domain_id.clone(),
            region_id: Some(account_resource::REGION.to_owned()),
            resource_id: self.account.domain_id.clone(),
            resource_name: Some(account_resource::NAME.to_owned()),
            resource_provider: None,
            resource_type: None,
            trigger_type: rule.rule.trigger,
            compliance_state,
            policy_assignment_id: rule.rule.id.clone(),
            policy_assignment_name: rule.rule.name.clone(),
            policy_definition_id: rule.rule.policy_definition_id.clone(),
            evaluation_time,
        };
        if let Some(stored) = stored {
            let view = view::read_head(&stored.body);
            state.region_id = Some(view.region_id.into_owned());
            state.resource_id = view.id.into_owned();
            state.resource_name = Some(view.name.into_owned());
            state.resource_provider = Some(view.provider.into_owned());
            state.resource_type = Some(view.type_name.into_owned());
        }
        Ok(state)
    }
}
