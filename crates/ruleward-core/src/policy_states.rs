//! Policy states: the verdicts, listed; and the results that functions report.

use std::ops::ControlFlow;
use std::sync::Arc;

use ruleward_store::{ReadTx, ReportedResult};
use ruleward_types::{
    Account, AccountNo, AssignmentKind, ChunkNo, ComplianceState, Error, ErrorCode, FunctionCounts,
    PolicyAssignment, PolicyAssignmentId, PolicyState, ResourceKey, ResourceType, Result, RuleNo,
    StateQuery, Timestamp, TriggerType,
};

use crate::Service;
use crate::access::Access;
use crate::account_resource;
use crate::causes::CauseKind;
use crate::evaluation::bits::Bits;
use crate::evaluation::chunk_edit::{ChunkEdit, counted};
use crate::evaluation::each_chunk::each_chunk;
use crate::evaluation::ledger::Ledger;
use crate::evaluation::planes::{Planes, RulePlanes, Verdict, plane_no};
use crate::evaluation::runs;
use crate::evaluation::view;
use crate::events::{EventSubject, evaluation_hash};
use crate::functions::resolve::function_of;
use crate::functions::{count, jobs};
use crate::page::{Collector, Cursor, Page, Paged};
use crate::policy_assignments::{not_found, recorder_is_on};
use crate::service::Writing;

/// A result that a function reports.
#[derive(Debug, Clone)]
pub struct ReportedState {
    /// The rule.
    pub policy_assignment_id: PolicyAssignmentId,
    /// What the event was about.
    pub trigger_type: TriggerType,
    /// The verdict.
    pub compliance_state: ComplianceState,
    /// The event's time, in milliseconds.
    pub evaluation_time_ms: i64,
    /// The event's hash, unchanged.
    pub evaluation_hash: String,
    /// The resource; none for the account.
    pub resource_id: Option<String>,
    /// Its provider.
    pub resource_provider: Option<String>,
    /// Its type.
    pub resource_type: Option<String>,
}

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
            Listing::new(tx, access.account(), vec![rule], query)?.list(page)
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

    /// Takes a function's result on a custom rule, as many as an account may report.
    pub fn report_policy_state(
        self: &Arc<Self>,
        access: &Access,
        reported: ReportedState,
    ) -> Result<PolicyState> {
        let options = self.options.functions;
        let (rate, burst) = (options.reports_per_second, options.reports_burst);
        let now = self.clock().now();
        self.functions.limiter.take(access.account(), now, rate, burst).map_err(|wait_s| {
            count(&self.functions.counters.limited);
            Error::too_many("Too many results are reported; try again later.", wait_s)
        })?;
        self.take_report(access, reported)
    }

    /// Takes a function's result on a custom rule.
    pub(crate) fn take_report(
        self: &Arc<Self>,
        access: &Access,
        reported: ReportedState,
    ) -> Result<PolicyState> {
        let (by, access) = (access, access.clone());
        let taken = self.write_by(by, CauseKind::Report, move |writing| {
            let rule = reported.policy_assignment_id.clone();
            match take(writing, &access, reported) {
                Ok((state, is_new)) => {
                    if is_new {
                        let counts = FunctionCounts { accepted: 1, ..FunctionCounts::default() };
                        count_result(writing, access.account(), &rule, counts)?;
                    }
                    Ok(Ok((state, is_new)))
                }
                Err(refused)
                    if matches!(
                        refused.code(),
                        ErrorCode::EvaluationHash | ErrorCode::ResultConflict
                    ) =>
                {
                    let counts = FunctionCounts { refused: 1, ..FunctionCounts::default() };
                    count_result(writing, access.account(), &rule, counts)?;
                    Ok(Err(refused))
                }
                Err(other) => Err(other),
            }
        })?;
        let counters = &self.functions.counters;
        match &taken {
            Ok((_, true)) => count(&counters.accepted),
            // The same result again, as a repeated call brings it.
            Ok((_, false)) => count(&counters.unchanged),
            Err(_) => count(&counters.refused),
        }
        taken.map(|(state, _)| state)
    }
}

/// Counts a result for the function of a rule, where one is configured.
fn count_result(
    writing: &Writing<'_>,
    account: AccountNo,
    rule: &PolicyAssignmentId,
    counts: FunctionCounts,
) -> Result<()> {
    let Some(rule) = writing.tx.rule_by_id(account, rule)? else { return Ok(()) };
    match function_of(writing.tx, account, &rule)? {
        Some(function) => writing.tx.add_function_counts(function.no, counts),
        None => Ok(()),
    }
}

/// Takes a result; the state, and whether it is new.
fn take(
    writing: &Writing<'_>,
    access: &Access,
    reported: ReportedState,
) -> Result<(PolicyState, bool)> {
    let account = access.account();
    let rule = writing
        .tx
        .rule_by_id(account, &reported.policy_assignment_id)?
        .ok_or_else(|| Error::with(ErrorCode::NotFound, "No policy assignment has this id."))?;
    if rule.kind != AssignmentKind::Custom {
        return Err(Error::new(ErrorCode::NotCustom));
    }
    recorder_is_on(writing, account)?;
    if !rule.judges() {
        return Err(Error::new(ErrorCode::RuleDisabled));
    }
    let of_account = reported.resource_id.as_deref().is_none_or(|id| id == access.domain_id());
    let key = if of_account {
        // Made here where no periodic rule needed it before.
        ResourceKey::new(runs::account_chunk(writing, account)?, 0)
    } else {
        reported_resource(writing.tx, account, &reported)?
    };
    let subject = match rule.trigger {
        TriggerType::Period => EventSubject::Account,
        TriggerType::Resource => EventSubject::Resource {
            key,
            version: writing.tx.resource(key)?.map_or(0, |stored| stored.version),
        },
    };
    let time = Timestamp::from_ms(reported.evaluation_time_ms);
    let expected = evaluation_hash(&writing.service.secret, &rule, time, &subject);
    let genuine: bool =
        subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), reported.evaluation_hash.as_bytes())
            .into();
    if !genuine || rule.trigger != reported.trigger_type {
        return Err(Error::new(ErrorCode::EvaluationHash));
    }
    let result = ReportedResult {
        evaluation_hash: reported.evaluation_hash,
        evaluation_time: time,
        compliance_state: reported.compliance_state,
    };
    let is_new = accept(writing.tx, &rule, key, &result)?;
    if is_new {
        let verdict = match reported.compliance_state {
            ComplianceState::Compliant => Verdict::Compliant,
            ComplianceState::NonCompliant => Verdict::NonCompliant,
        };
        let set = writing.rule_set(account)?;
        let mut edit = ChunkEdit::load(writing.tx, key.chunk())?;
        edit.planes.set(plane_no(rule.no), key.slot(), verdict);
        let mut ledger = Ledger::default();
        edit.flush(writing, counted(&set), &mut ledger)?;
        ledger.write(writing.tx, writing.now)?;
        writing.tx.put_reported_result(rule.no, key, &result)?;
        let asked = match rule.trigger {
            TriggerType::Resource => key,
            TriggerType::Period => ResourceKey::new(runs::account_chunk(writing, account)?, 0),
        };
        jobs::answered(writing.tx, &rule, asked, time, writing.now)?;
    }
    let listing = Listing::new(writing.tx, account, vec![rule], &StateQuery::default())?;
    let [rule] = listing.rules.as_slice() else { return Err(not_found()) };
    Ok((listing.state(key, rule, reported.compliance_state)?, is_new))
}

/// Whether a result is new. The same answer again changes nothing; another answer to the same
/// event, and an answer to an older event, is refused.
fn accept(
    tx: &dyn ReadTx,
    rule: &PolicyAssignment,
    key: ResourceKey,
    result: &ReportedResult,
) -> Result<bool> {
    match tx.reported_result(rule.no, key)? {
        Some(known) if known.evaluation_hash == result.evaluation_hash => {
            if known.compliance_state == result.compliance_state {
                Ok(false)
            } else {
                Err(Error::new(ErrorCode::ResultConflict))
            }
        }
        Some(known) if known.evaluation_time > result.evaluation_time => Err(Error::with(
            ErrorCode::ResultConflict,
            "A result for a later evaluation was already accepted.",
        )),
        _ => Ok(true),
    }
}

fn reported_resource(
    tx: &dyn ReadTx,
    account: AccountNo,
    reported: &ReportedState,
) -> Result<ResourceKey> {
    let id = reported.resource_id.as_deref().unwrap_or_default();
    let missing = || Error::with(ErrorCode::NotFound, "No resource has this id.");
    let keys = tx.resources_by_id(account, id)?;
    let wanted = match (&reported.resource_provider, &reported.resource_type) {
        (Some(provider), Some(name)) => Some(ResourceType::new(provider, name)),
        _ => None,
    };
    let recorder = tx.account(account)?.map(|account| account.recorder).unwrap_or_default();
    let mut found = Vec::new();
    for key in keys {
        let resource_type = type_of(tx, key.chunk())?;
        // What is not recorded any more has no states, whatever was asked of it before.
        if wanted.as_ref().is_none_or(|wanted| Some(wanted) == resource_type.as_ref())
            && resource_type.is_some_and(|of| recorder.covers(&of))
        {
            found.push(key);
        }
    }
    match found.as_slice() {
        [] => Err(missing()),
        [key] => Ok(*key),
        _ => Err(Error::with(
            ErrorCode::ResourceAmbiguous,
            "Several resources have this id; name resource_provider and resource_type.",
        )),
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
    pub(crate) rule: PolicyAssignment,
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
        rules: Vec<PolicyAssignment>,
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
                let planes = Planes::decode(&self.tx.planes(key.chunk())?)?;
                self.list_slot(&planes, key, after, &mut found)?;
            }
            return Ok(found.finish());
        }
        let from = ResourceKey(after.0.max(0));
        // The chunk of the last item itself may hold more.
        let past = Some(ChunkNo(from.chunk().0 - 1));
        each_chunk(self.tx, self.account.no, None, past, |chunk| {
            let first = if chunk.no == from.chunk() { from.slot() } else { 0 };
            let planes = Planes::decode(&self.tx.planes(chunk.no)?)?;
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
            let state = match planes.rule(rule.no).map(|of| of.verdict(key.slot())) {
                Some(Verdict::Compliant) => ComplianceState::Compliant,
                Some(Verdict::NonCompliant) => ComplianceState::NonCompliant,
                Some(Verdict::Undetermined | Verdict::OutOfScope) | None => continue,
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
