//! The results that functions report on custom rules.

use std::sync::Arc;

use ruleward_store::{ReadTx, ReportedResult};
use ruleward_types::{
    AccountNo, AssignmentKind, ComplianceState, Error, ErrorCode, FunctionCounts, PolicyAssignment,
    PolicyAssignmentId, PolicyState, ResourceKey, ResourceType, Result, StateQuery, Timestamp,
    TriggerType,
};

use crate::Service;
use crate::access::Access;
use crate::causes::CauseKind;
use crate::evaluation::chunk_edit::{ChunkEdit, counted};
use crate::evaluation::ledger::Ledger;
use crate::evaluation::planes::{Verdict, plane_no};
use crate::evaluation::runs;
use crate::events::{EventSubject, evaluation_hash};
use crate::functions::resolve::function_of;
use crate::functions::{count, jobs};
use crate::policy_assignments::{not_found, recorder_is_on};
use crate::policy_states::{Listing, type_of};
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
    let listing = Listing::new(writing.tx, account, vec![Arc::new(rule)], &StateQuery::default())?;
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
