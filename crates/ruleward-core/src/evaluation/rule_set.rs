//! An account's rules, compiled once for each version of them and shared by everybody.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use ruleward_policy::{Catalogue, PolicyDefinition, Program, ProgramSet};
use ruleward_store::{ReadTx, TypeRow};
use ruleward_types::{
    Account, AccountNo, AssignmentKind, Error, Function, PolicyAssignment, Recorder, ResourceType,
    Result, Selection, TriggerType,
};

use super::columns::{ColumnSets, TypeColumns};
use super::planes::plane_no;
use super::programs;
use super::scope::{Scope, Subject};
use crate::account_resource;
use crate::drafts::is_volatile;
use crate::functions::resolve::{functions_of, is_asked};
use crate::notifications::Addressee;

/// A rule, compiled.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) rule: Arc<PolicyAssignment>,
    /// Its number in planes.
    pub(crate) no: u32,
    pub(crate) scope: Scope,
    /// None for custom rules.
    pub(crate) program: Option<Arc<Program>>,
    /// Whether its verdicts count and are kept current.
    pub(crate) judges: bool,
    /// Whether the same rule and resource can get another verdict later: it reads the clock,
    /// other resources or the recorder.
    pub(crate) volatile: bool,
}

impl CompiledRule {
    /// Compiles a rule; a builtin one needs its definition.
    pub(crate) fn new(
        rule: Arc<PolicyAssignment>,
        catalogue: &Catalogue,
        recorded: &Selection,
    ) -> Result<Self> {
        let definition = definition_of(&rule, catalogue)?;
        let program = definition
            .map(|definition| programs::compiled(definition, &rule.parameters))
            .transpose()?;
        Ok(Self {
            no: plane_no(rule.no),
            scope: Scope::new(&rule, definition, recorded),
            volatile: is_volatile(definition),
            program,
            judges: rule.judges(),
            rule,
        })
    }

    /// The types of other resources that its verdicts hang on and whose changes it follows.
    pub(crate) fn follows(&self) -> &[String] {
        match &self.program {
            Some(program) if self.rule.trigger == TriggerType::Resource => program.looks_up(),
            _ => &[],
        }
    }

    /// Where the types stand that the rule follows; zero if it judges changes at once.
    pub(crate) fn followed(&self, types: &[TypeRow]) -> u32 {
        if !self.defers_changes() {
            return 0;
        }
        let followed = types.iter().filter(|row| {
            self.follows().iter().any(|followed| row.resource_type.is_called(followed))
        });
        followed.fold(1, |standing, row| {
            // Mixed, not added: two types that move in step must not stand still together.
            let moved = u32::from_le_bytes(
                row.changes.to_le_bytes().first_chunk().copied().unwrap_or_default(),
            );
            (standing.rotate_left(5) ^ moved).wrapping_mul(0x9e37_79b1).max(1)
        })
    }

    fn judges_resources(&self) -> bool {
        self.judges
            && self.program.is_some()
            && self.rule.trigger == TriggerType::Resource
            && self.scope.subject() == Subject::Resource
    }

    /// Whether a resource's change is judged by it at once.
    fn judges_changes(&self) -> bool {
        self.judges_resources()
            && self.follows().is_empty()
            && !self.program.as_ref().is_some_and(|program| program.reads_recorder())
    }

    /// Whether a resource's change is judged by it soon, by a ticket: it looks at more than
    /// the resource.
    pub(crate) fn defers_changes(&self) -> bool {
        self.judges_resources() && !self.judges_changes()
    }
}

/// The definition of a builtin rule.
pub(crate) fn definition_of<'a>(
    rule: &PolicyAssignment,
    catalogue: &'a Catalogue,
) -> Result<Option<&'a PolicyDefinition>> {
    if rule.kind == AssignmentKind::Custom {
        return Ok(None);
    }
    let id = rule.policy_definition_id.as_deref().unwrap_or_default();
    catalogue
        .get(id)
        .map(Some)
        .ok_or_else(|| Error::internal("compile a rule", format!("no policy definition {id}")))
}

/// All rules of an account at one version.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) version: i64,
    pub(crate) recorder: Recorder,
    /// The account, as policies read it.
    pub(crate) account: Arc<[u8]>,
    /// Whom changes are told, if anybody.
    pub(crate) addressee: Option<Arc<Addressee>>,
    /// Ascending by number.
    rules: Vec<Arc<CompiledRule>>,
    /// Numbers of the custom rules whose functions are asked about changes.
    asked: HashSet<u32>,
    by_type: Mutex<HashMap<String, Arc<TypeRules>>>,
    columns: Mutex<HashMap<String, Arc<TypeColumns>>>,
}

/// The rules that can have a resource of one type in scope.
#[derive(Debug)]
pub(crate) struct TypeRules {
    /// All of them, as places in the rule set.
    covering: Vec<usize>,
    /// Those that judge changes, as places in the rule set, and their programs in that order.
    changes: Vec<usize>,
    pub(crate) change_programs: ProgramSet,
    /// Those that judge changes by tickets, as places in the rule set.
    deferred: Vec<usize>,
    /// Whether a filter looks past the type.
    pub(crate) needs_view: bool,
}

impl RuleSet {
    /// Compiles rules; those of another version that are the same are taken from there.
    pub(crate) fn compile(
        account: &Account,
        rules: Vec<Arc<PolicyAssignment>>,
        functions: &[Function],
        catalogue: &Catalogue,
        known: Option<&Self>,
    ) -> Result<Self> {
        let selection = &account.recorder.selection;
        let known = known.filter(|known| known.recorder.selection == *selection);
        let compiled = |rule: Arc<PolicyAssignment>| {
            let same = known
                .and_then(|known| known.rules.get(known.place(plane_no(rule.no))?))
                .filter(|known| Arc::ptr_eq(&known.rule, &rule));
            match same {
                Some(same) => Ok(Arc::clone(same)),
                None => CompiledRule::new(rule, catalogue, selection).map(Arc::new),
            }
        };
        Ok(Self {
            asked: rules
                .iter()
                .filter(|rule| is_asked(rule, account.no, functions))
                .map(|rule| plane_no(rule.no))
                .collect(),
            version: account.rules_version,
            recorder: account.recorder.clone(),
            account: account_resource::as_read(account),
            addressee: None,
            rules: rules.into_iter().map(compiled).collect::<Result<_>>()?,
            by_type: Mutex::default(),
            columns: Mutex::default(),
        })
    }

    /// Without the rules that look at more than the resource.
    pub(crate) fn only_judging_changes(mut self) -> Self {
        self.rules.retain(|rule| rule.judges_changes());
        self
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &CompiledRule> {
        self.rules.iter().map(Arc::as_ref)
    }

    /// The rule at a place in the set.
    fn at(&self, place: usize) -> Option<&CompiledRule> {
        self.rules.get(place).map(Arc::as_ref)
    }

    /// The place in the set of the rule of that number in planes.
    pub(crate) fn place(&self, no: u32) -> Option<usize> {
        self.rules.binary_search_by_key(&no, |rule| rule.no).ok()
    }

    /// The rule of that number in planes.
    pub(crate) fn rule(&self, no: u32) -> Option<&CompiledRule> {
        self.place(no).and_then(|place| self.at(place))
    }

    /// Whether a resource of this type is recorded, and with that judged, when it changes.
    pub(crate) fn records(&self, resource_type: &ResourceType) -> bool {
        self.recorder.covers(resource_type)
    }

    /// Whether a change of a resource in a rule's scope asks its function.
    pub(crate) fn asks(&self, no: u32) -> bool {
        self.asked.contains(&no)
    }

    /// Whether functions may be asked about the account's resources.
    pub(crate) fn has_custom_rules(&self) -> bool {
        self.rules.iter().any(|rule| rule.rule.kind == AssignmentKind::Custom)
    }

    /// Whether a rule's verdicts count.
    pub(crate) fn counts(&self, no: u32) -> bool {
        self.rule(no).is_some_and(|rule| rule.judges)
    }

    /// The rules for a type.
    pub(crate) fn for_type(&self, resource_type: &ResourceType) -> Arc<TypeRules> {
        let key = resource_type.key();
        if let Some(found) = self.by_type.lock().get(&key) {
            return Arc::clone(found);
        }
        let made = Arc::new(self.make_type_rules(resource_type));
        self.by_type.lock().insert(key, Arc::clone(&made));
        made
    }

    /// How the rules read the columns of a type.
    pub(crate) fn columns(
        &self,
        resource_type: &ResourceType,
        sets: &ColumnSets,
    ) -> Arc<TypeColumns> {
        let key = resource_type.key();
        if let Some(found) = self.columns.lock().get(&key) {
            return Arc::clone(found);
        }
        let covering = self.rules().filter(|rule| rule.scope.covers_type(resource_type));
        let made = Arc::new(TypeColumns::new(sets, resource_type, covering));
        self.columns.lock().insert(key, Arc::clone(&made));
        made
    }

    fn make_type_rules(&self, resource_type: &ResourceType) -> TypeRules {
        let covering: Vec<usize> = self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.scope.covers_type(resource_type))
            .map(|(place, _)| place)
            .collect();
        let rules = |places: &[usize]| -> Vec<&CompiledRule> {
            places.iter().filter_map(|place| self.at(*place)).collect()
        };
        let changes: Vec<usize> = covering
            .iter()
            .copied()
            .filter(|place| {
                self.recorder.enabled && self.at(*place).is_some_and(CompiledRule::judges_changes)
            })
            .collect();
        let deferred = covering
            .iter()
            .copied()
            .filter(|place| {
                self.recorder.enabled && self.at(*place).is_some_and(CompiledRule::defers_changes)
            })
            .collect();
        let programs: Vec<Arc<Program>> =
            rules(&changes).iter().filter_map(|rule| rule.program.clone()).collect();
        TypeRules {
            needs_view: rules(&covering).iter().any(|rule| rule.scope.narrows_inside_type()),
            change_programs: ProgramSet::new(&programs),
            covering,
            changes,
            deferred,
        }
    }

    /// The rules that can have a resource of the type in scope.
    pub(crate) fn covering<'a>(
        &'a self,
        of: &'a TypeRules,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        of.covering.iter().filter_map(|place| self.at(*place))
    }

    /// The rules that judge changes by tickets.
    pub(crate) fn deferred<'a>(
        &'a self,
        of: &'a TypeRules,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        of.deferred.iter().filter_map(|place| self.at(*place))
    }

    /// The rules that judge on the clock's runs.
    pub(crate) fn periodic<'a>(
        &'a self,
        of: &'a TypeRules,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        self.covering(of).filter(|rule| {
            rule.judges && rule.program.is_some() && rule.rule.trigger == TriggerType::Period
        })
    }

    /// The rules that follow changes of a type.
    pub(crate) fn followers<'a>(
        &'a self,
        resource_type: &'a ResourceType,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        self.rules().filter(|rule| {
            rule.judges && rule.follows().iter().any(|of| resource_type.is_called(of))
        })
    }

    /// The rules that judge changes, in the order of their programs.
    pub(crate) fn changes<'a>(
        &'a self,
        of: &'a TypeRules,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        of.changes.iter().filter_map(|place| self.at(*place))
    }
}

/// Accounts whose rule sets are kept at most.
const KEPT: usize = 1024;

/// Keeps accounts' rule sets at their newest version.
#[derive(Debug, Default)]
pub(crate) struct RuleSets {
    sets: Mutex<HashMap<AccountNo, Arc<RuleSet>>>,
}

impl RuleSets {
    /// The rule set that belongs to the snapshot; the `newest` that is known is of use where it is another.
    pub(crate) fn get(
        &self,
        tx: &dyn ReadTx,
        account: AccountNo,
        catalogue: &Catalogue,
        newest: Option<&RuleSet>,
    ) -> Result<Arc<RuleSet>> {
        let version = tx.rules_version(account)?;
        if let Some(set) = self.sets.lock().get(&account)
            && version == Some(set.version)
        {
            return Ok(Arc::clone(set));
        }
        let account = tx
            .account(account)?
            .ok_or_else(|| Error::internal("rule set", "the account is gone"))?;
        let rules = tx.rules(account.no)?;
        let functions = if rules.iter().any(|rule| rule.kind == AssignmentKind::Custom) {
            functions_of(tx, account.no)?
        } else {
            Vec::new()
        };
        let known = self.sets.lock().get(&account.no).cloned();
        let known = newest.or(known.as_deref());
        let mut set = RuleSet::compile(&account, rules, &functions, catalogue, known)?;
        set.addressee = Addressee::of(tx, &account)?.map(Arc::new);
        let set = Arc::new(set);
        // A write job that fails later leaves a version that no commit has; the version of
        // the next commit may be the same, so only readers' sets are kept.
        Ok(set)
    }

    /// Keeps a set that was read from a committed snapshot.
    pub(crate) fn keep(&self, account: AccountNo, set: &Arc<RuleSet>) {
        let mut sets = self.sets.lock();
        match sets.get(&account) {
            Some(kept) if kept.version >= set.version => {}
            known => {
                if known.is_none() && sets.len() >= KEPT {
                    // Those in use come back; which they are is not worth keeping track of.
                    sets.clear();
                }
                sets.insert(account, Arc::clone(set));
            }
        }
    }
}
