//! Explanations: why a rule finds what it finds.

use ruleward_policy::explain;
use ruleward_store::ReadTx;
use ruleward_types::{
    Account, AssignmentKind, Error, ErrorCode, PolicyAssignment, PolicyAssignmentId, ResourceKey,
    ResourceType, Result, Timestamp,
};
use serde_json::{Value, json};

use crate::Service;
use crate::access::Access;
use crate::account_resource;
use crate::evaluation::bits::Bits;
use crate::evaluation::environment::Surroundings;
use crate::evaluation::judging::{self, judge_one};
use crate::evaluation::planes::{Planes, Verdict, plane_no};
use crate::evaluation::rule_set::CompiledRule;
use crate::evaluation::view;
use crate::policy_assignments::not_found;
use crate::policy_states::account_key;
use crate::previews::verdict_name;
use crate::resources::find;

impl Service {
    /// Which conditions of a rule decide on a resource, at which properties, with which actual
    /// and expected values; what is stored, and whether that is still so.
    pub fn explanation(
        &self,
        access: &Access,
        id: &PolicyAssignmentId,
        resource_id: &str,
        resource_type: Option<&ResourceType>,
    ) -> Result<Value> {
        let now = self.tick();
        self.read(|tx| {
            let account =
                tx.account(access.account())?.ok_or_else(|| Error::new(ErrorCode::NotFound))?;
            let rule = tx.rule_by_id(account.no, id)?.ok_or_else(not_found)?;
            let (key, version, body) = if resource_id == account.domain_id {
                (account_key(tx, account.no)?, account.created.0, account_resource::body(&account))
            } else {
                let key = find(tx, account.no, resource_id, resource_type)?;
                let stored = tx.resource(key)?.ok_or_else(not_found)?;
                (Some(key), stored.version, stored.body)
            };
            let stored = match key {
                Some(key) => {
                    let planes = Planes::decode(tx.planes(key.chunk())?)?;
                    planes.verdict(plane_no(rule.no), key.slot())
                }
                None => Verdict::OutOfScope,
            };
            let mut answer = json!({
                "policy_assignment_id": rule.id,
                "policy_assignment_name": rule.name,
                "policy_assignment_state": rule.state.wire(),
                "policy_assignment_revision": rule.revision,
                "policy_definition_id": rule.policy_definition_id,
                "resource_id": resource_id,
                "resource_version": version,
                "resource_changed": Timestamp(version).to_wire(),
                "stored_state": verdict_name(stored),
            });
            let more = if let (AssignmentKind::Custom, Some(key)) = (rule.kind, key) {
                reported(tx, &rule, key, stored)?
            } else {
                let set = self.rule_set(tx, account.no)?;
                let place = Place { key, body: &body, stored };
                judged(tx, &account, set.rule(plane_no(rule.no)), &place, now)?
            };
            if let (Value::Object(answer), Value::Object(more)) = (&mut answer, more) {
                answer.extend(more);
            }
            Ok(answer)
        })
    }
}

struct Place<'a> {
    key: Option<ResourceKey>,
    body: &'a [u8],
    stored: Verdict,
}

fn reported(
    tx: &dyn ReadTx,
    rule: &PolicyAssignment,
    key: ResourceKey,
    stored: Verdict,
) -> Result<Value> {
    let reported = tx.reported_result(rule.no, key)?;
    Ok(json!({
        "current_state": verdict_name(stored),
        "agrees": true,
        "reported": reported.map(|reported| json!({
            "compliance_state": reported.compliance_state.wire(),
            "evaluation_time": reported.evaluation_time.to_wire(),
        })),
    }))
}

fn judged(
    tx: &dyn ReadTx,
    account: &Account,
    compiled: Option<&CompiledRule>,
    place: &Place<'_>,
    now: Timestamp,
) -> Result<Value> {
    let Some((compiled, program)) =
        compiled.and_then(|rule| rule.program.as_ref().map(|program| (rule, program)))
    else {
        return Ok(Value::Null);
    };
    let surroundings = Surroundings::new(tx, account.no, now, &account.recorder);
    let mut current = Verdict::OutOfScope;
    if let Some(key) = place.key
        && let Some(chunk) = tx.chunk(key.chunk())?
        && tx.resource_type(chunk.type_no)?.is_some_and(|of| compiled.scope.covers_type(&of))
        && compiled.scope.matches(&view::read(place.body))
    {
        let place_of = judging::Place {
            tx,
            chunk: &chunk,
            live: &Bits::default(),
            words: key.slot() / 64 + 1,
            recorder: &account.recorder,
            now,
        };
        current = judge_one(&place_of, compiled, key.slot(), place.body);
    }
    Ok(json!({
        "current_state": verdict_name(current),
        // A verdict can be older than the rule, the resource or the clock.
        "agrees": current == place.stored,
        "explanation": explain(program, place.body, &surroundings),
    }))
}
