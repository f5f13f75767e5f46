//! Trying before doing: a rule, or a change of one, over the whole inventory; and a resource
//! that does not exist yet against all rules. Nothing is changed.

use std::sync::Arc;

use ruleward_policy::explain;
use ruleward_store::{Chunk, ReadTx, StoredResource};
use ruleward_types::{
    Account, AccountNo, AssignmentState, ComplianceCounts, Error, ErrorCode, PolicyAssignment,
    PolicyAssignmentId, Resource, ResourceKey, Result, RuleNo, Timestamp,
};
use serde_json::{Value, json};

use crate::Service;
use crate::access::Access;
use crate::account_resource;
use crate::drafts::NewPolicyAssignment;
use crate::evaluation::bits::Bits;
use crate::evaluation::chunk_run::reads_recorder;
use crate::evaluation::columns::{TypeColumns, judge_chunk};
use crate::evaluation::each_chunk::every_chunk;
use crate::evaluation::environment::Surroundings;
use crate::evaluation::judging::{Found, Judging, Place};
use crate::evaluation::planes::{Planes, RulePlanes, Verdict};
use crate::evaluation::rule_set::CompiledRule;
use crate::evaluation::scope::Subject;
use crate::evaluation::view;
use crate::policy_assignments::not_found;
use crate::resources::Spelling;

/// Changed resources that a preview names at most.
pub const NAMED_BY_PREVIEW: usize = 1000;

/// Reading a resource by its key takes as long as reading so many that follow each other.
const SPARSE: usize = 4;

/// What a rule would find, against what is stored now.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// What is stored of the rule; all zero for one that does not exist.
    pub now: ComplianceCounts,
    /// What it would find.
    pub then: ComplianceCounts,
    /// How many resources would get another verdict.
    pub changed: u64,
    /// The first of them.
    pub changes: Vec<PreviewedChange>,
}

/// A resource that would get another verdict.
#[derive(Debug, Clone)]
pub struct PreviewedChange {
    /// Its id.
    pub resource_id: String,
    /// Its name.
    pub resource_name: String,
    /// Its type, `provider.type`.
    pub resource_type: String,
    /// What is stored: `Compliant`, `NonCompliant`, `Undetermined` or `OutOfScope`.
    pub from: &'static str,
    /// What the rule would find.
    pub to: &'static str,
}

/// What one rule would find on a resource.
#[derive(Debug, Clone)]
pub struct ProactiveState {
    /// The rule.
    pub policy_assignment: PolicyAssignment,
    /// `Compliant`, `NonCompliant` or `Undetermined`.
    pub state: &'static str,
    /// Why, as the explanation of a stored resource has it.
    pub explanation: Value,
}

/// A verdict in words; the wire's where it has one.
pub(crate) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::OutOfScope => "OutOfScope",
        Verdict::Compliant => "Compliant",
        Verdict::NonCompliant => "NonCompliant",
        Verdict::Undetermined => "Undetermined",
    }
}

impl Service {
    /// What a rule would find over the whole inventory, and so many of the resources that change. With
    /// `instead_of`, what would change if that rule became this one.
    pub fn preview_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        new: NewPolicyAssignment,
        instead_of: Option<&PolicyAssignmentId>,
        named: usize,
    ) -> Result<Preview> {
        let mut rule = self.draft(new)?;
        let now = self.tick();
        self.read(|tx| {
            let account = account(tx, access.account())?;
            if let Some(id) = instead_of {
                rule.no = tx.rule_by_id(account.no, id)?.ok_or_else(not_found)?.no;
            }
            let compiled =
                CompiledRule::new(Arc::new(rule), self.catalogue, &account.recorder.selection)?;
            if compiled.program.is_none() {
                return Err(Error::invalid("a custom rule is judged by its function only"));
            }
            let mut preview = Preview::default();
            for row in tx.types(account.no)? {
                let covered = compiled.scope.covers_type(&row.resource_type);
                let columns = covered
                    .then(|| TypeColumns::new(&self.column_sets, &row.resource_type, [&compiled]));
                let draft = Draft {
                    account: &account,
                    compiled: &compiled,
                    columns: columns.as_ref(),
                    is_stored: instead_of.is_some(),
                    named: named.min(NAMED_BY_PREVIEW),
                    now,
                };
                every_chunk(tx, account.no, Some(row.no), |chunk| preview.add(tx, &draft, &chunk))?;
            }
            Ok(preview)
        })
    }

    /// What the rules of an account would find on a resource that does not exist yet, or not so.
    pub fn evaluate_proactively(
        &self,
        access: &Access,
        body: &[u8],
    ) -> Result<Vec<ProactiveState>> {
        let now = self.tick();
        self.read(|tx| {
            let account = account(tx, access.account())?;
            let spelling = Spelling::load(self, tx, account.no)?;
            let resource = Resource::parse(body, |given| spelling.spell(given))?;
            let set = self.rule_set(tx, account.no)?;
            let surroundings = Surroundings::new(tx, account.no, now, &account.recorder);
            let view = view::read(&resource.body);
            let mut states = Vec::new();
            for rule in set.rules() {
                let Some(program) = &rule.program else { continue };
                let applies = rule.judges
                    && (account.recorder.enabled || reads_recorder(rule))
                    && rule.scope.covers_type(&resource.resource_type)
                    && rule.scope.matches(&view);
                if !applies {
                    continue;
                }
                let explanation = explain(program, &resource.body, &surroundings);
                states.push(ProactiveState {
                    policy_assignment: PolicyAssignment::clone(&rule.rule),
                    state: match explanation.outcome {
                        "compliant" => "Compliant",
                        "non_compliant" => "NonCompliant",
                        _ => "Undetermined",
                    },
                    explanation: json!(explanation),
                });
            }
            Ok(states)
        })
    }

    /// A rule that is not stored.
    fn draft(&self, new: NewPolicyAssignment) -> Result<PolicyAssignment> {
        let mut rule = self.checked(new)?;
        rule.no = RuleNo(i64::from(u32::MAX));
        rule.state = AssignmentState::Enabled;
        Ok(rule)
    }
}

/// A rule that is tried on the chunks of a type.
struct Draft<'a> {
    account: &'a Account,
    compiled: &'a CompiledRule,
    /// Where the rule covers the type.
    columns: Option<&'a TypeColumns>,
    is_stored: bool,
    /// How many changed resources are named.
    named: usize,
    now: Timestamp,
}

impl Preview {
    fn add(&mut self, tx: &dyn ReadTx, draft: &Draft<'_>, chunk: &Chunk) -> Result<()> {
        let Draft { account, compiled, columns, is_stored, named, now } = *draft;
        let needs_planes = is_stored || (columns.is_some() && chunk.live < chunk.used);
        let stored = if needs_planes { Some(Planes::decode(tx.planes(chunk.no)?)?) } else { None };
        let all = Bits::first(chunk.used);
        let live = stored.as_ref().map_or(&all, |of| &of.live);
        let before = stored.as_ref().filter(|_| is_stored).and_then(|of| of.rule(compiled.no));
        if columns.is_none() && before.is_none() {
            return Ok(());
        }
        let words = live.words().len();
        let place = Place { tx, chunk, live, words, recorder: &account.recorder, now };
        let found = if compiled.scope.subject() == Subject::Account {
            let mut judging = Judging::new(&place, &[compiled]);
            judging.judge(0, &account_resource::body(account));
            judging.finish()
        } else if let Some(columns) = columns {
            judge_chunk(&place, &[compiled], columns, false)?.0
        } else {
            vec![Found::new(compiled.no, place.words)]
        };
        let Some(Found { planes: then, .. }) = found.into_iter().next() else { return Ok(()) };
        self.then.add(then.counts());
        let none = RulePlanes::new(compiled.no, words);
        let before = before.unwrap_or(&none);
        self.now.add(before.counts());
        let mut changed = then.differences(before);
        changed.and(live);
        self.changed += u64::try_from(changed.count()).unwrap_or(0);
        let left = named.saturating_sub(self.changes.len());
        let slots: Vec<usize> = changed.iter_from(0).take(left).collect();
        each_resource(tx, chunk, &slots, |slot, stored| {
            let (from, to) = (before.verdict(slot), then.verdict(slot));
            self.note(account, stored, verdict_name(from), verdict_name(to));
        })
    }

    fn note(
        &mut self,
        account: &Account,
        stored: Option<&StoredResource>,
        from: &'static str,
        to: &'static str,
    ) {
        self.changes.push(match stored {
            Some(stored) => {
                let view = view::read_head(&stored.body);
                PreviewedChange {
                    resource_type: format!("{}.{}", view.provider, view.type_name),
                    resource_id: view.id.into_owned(),
                    resource_name: view.name.into_owned(),
                    from,
                    to,
                }
            }
            None => PreviewedChange {
                resource_type: "account".to_owned(),
                resource_id: account.domain_id.clone(),
                resource_name: account_resource::NAME.to_owned(),
                from,
                to,
            },
        });
    }
}

/// Calls for each of these slots of a chunk, with its resource if one is stored there.
fn each_resource(
    tx: &dyn ReadTx,
    chunk: &Chunk,
    slots: &[usize],
    mut visit: impl FnMut(usize, Option<&StoredResource>),
) -> Result<()> {
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Ok(()) };
    if last - first >= slots.len() * SPARSE {
        for slot in slots {
            visit(*slot, tx.resource(ResourceKey::new(chunk.no, *slot))?.as_ref());
        }
        return Ok(());
    }
    let mut stored = tx.resources_from(chunk.no, *first, last - first + 1)?.into_iter().peekable();
    for slot in slots {
        while stored.next_if(|one| one.key.slot() < *slot).is_some() {}
        visit(*slot, stored.next_if(|one| one.key.slot() == *slot).as_ref());
    }
    Ok(())
}

fn account(tx: &dyn ReadTx, no: AccountNo) -> Result<Account> {
    tx.account(no)?.ok_or_else(|| Error::new(ErrorCode::NotFound))
}
