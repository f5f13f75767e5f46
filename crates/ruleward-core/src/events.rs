//! Evaluation events: what a function is asked, with the hash that its answer has to bring
//! back. The hash is a keyed digest over all that the answer is about, so it needs no table and
//! an answer that comes after the rule or the resource changed does not fit any more.

use ruleward_types::ids::hex;
use ruleward_types::{
    AssignmentKind, Error, ErrorCode, PolicyAssignment, PolicyAssignmentId, ResourceKey, Result,
    Timestamp, TriggerType,
};
use serde_json::{Map, Value, json};

use crate::Service;
use crate::access::Access;
use crate::account_resource;
use crate::evaluation::scope::Scope;
use crate::evaluation::view;
use crate::functions::resolve::versioned;
use crate::hashing::hmac_sha256;
use crate::policy_assignments::not_found;
use crate::policy_states::type_of;
use crate::resources::find;
use crate::service::ServerSecret;

/// What an event is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EventSubject {
    /// The account; a function may answer for any of its resources.
    Account,
    /// One version of one resource.
    Resource { key: ResourceKey, version: i64 },
}

/// The hash of an event: 32 hex digits.
pub(crate) fn evaluation_hash(
    secret: &ServerSecret,
    rule: &PolicyAssignment,
    time: Timestamp,
    subject: &EventSubject,
) -> String {
    let subject = match subject {
        EventSubject::Account => "account".to_owned(),
        EventSubject::Resource { key, version } => format!("resource {} {version}", key.0),
    };
    let message = format!("{} {} {} {} {subject}", rule.id, rule.revision, rule.mark, time.ms());
    let digest = hmac_sha256(&secret.key("evaluation"), message.as_bytes());
    hex(digest.first_chunk::<16>().map_or(&[], |half| half.as_slice()))
}

impl Service {
    /// The event that asks a custom rule's function about a resource, or about the account.
    pub fn evaluation_event(
        &self,
        access: &Access,
        id: &PolicyAssignmentId,
        resource_id: Option<&str>,
    ) -> Result<Value> {
        let time = Timestamp::from_ms(self.clock().now().ms());
        self.read(|tx| {
            let account = access.account();
            let rule = tx.rule_by_id(account, id)?.ok_or_else(not_found)?;
            if rule.kind != AssignmentKind::Custom {
                return Err(Error::new(ErrorCode::NotCustom));
            }
            let (subject, entity) = match (rule.trigger, resource_id) {
                (TriggerType::Period, _) => {
                    let account = tx.account(account)?.ok_or_else(not_found)?;
                    (EventSubject::Account, account_resource::entity(&account))
                }
                (TriggerType::Resource, None) => {
                    return Err(Error::invalid(
                        "resource_id is needed: a resource triggers the rule",
                    ));
                }
                (TriggerType::Resource, Some(resource_id)) => {
                    let key = find(tx, account, resource_id, None)?;
                    let stored = tx.resource(key)?.ok_or_else(not_found)?;
                    let recorder = tx.account(account)?.ok_or_else(not_found)?.recorder;
                    let scope = Scope::new(&rule, None, &recorder.selection);
                    let covered = type_of(tx, key.chunk())?
                        .is_some_and(|resource_type| scope.covers_type(&resource_type));
                    if !covered || !scope.matches(&view::read(&stored.body)) {
                        return Err(Error::invalid("the resource is not in the scope of the rule"));
                    }
                    let entity = parsed(&stored.body)?;
                    (EventSubject::Resource { key, version: stored.version }, entity)
                }
            };
            Ok(self.event(access.domain_id(), &rule, time, &subject, &entity))
        })
    }

    /// The event, as documented for both triggers.
    pub(crate) fn event(
        &self,
        domain_id: &str,
        rule: &PolicyAssignment,
        time: Timestamp,
        subject: &EventSubject,
        entity: &Value,
    ) -> Value {
        let parameters: Map<String, Value> = rule
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), json!({ "value": value })))
            .collect();
        let invoking: Map<String, Value> = INVOKING
            .iter()
            .map(|field| {
                let value = entity.get(*field).cloned().unwrap_or(Value::Null);
                ((*field).to_owned(), value)
            })
            .collect();
        let urn = rule.custom_policy.as_ref().map_or("", |custom| &custom.function_urn);
        json!({
            "domain_id": domain_id,
            "policy_assignment_id": rule.id,
            "policy_assignment_name": rule.name,
            "function_urn": versioned(urn),
            "trigger_type": rule.trigger.wire(),
            "evaluation_time": time.ms(),
            "evaluation_hash": evaluation_hash(&self.secret, rule, time, subject),
            "rule_parameter": parameters,
            "invoking_event": invoking,
        })
    }
}

/// The documented fields of a resource in an event.
const INVOKING: [&str; 12] = [
    "id",
    "name",
    "provider",
    "type",
    "tags",
    "created",
    "updated",
    "properties",
    "ep_id",
    "project_id",
    "region_id",
    "provisioning_state",
];

/// A stored resource, as JSON.
pub(crate) fn parsed(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).map_err(|e| Error::internal("read a resource", e))
}
