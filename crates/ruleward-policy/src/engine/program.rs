//! A compiled rule.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::compile::Compiler;
use super::constant::{Constant, ConstantSet};
use super::guard::{Guards, guards};
use super::join::{Join, LookupKey};
use super::library::Glob;
use super::pattern::Pattern;
use crate::ast::{Comparator, Function, Quantifier, Rule};
use crate::error::PolicyError;
use crate::syntax::Facts;

/// A rule with its parameters bound, ready to run. Immutable; share it by `Arc`.
#[derive(Debug)]
pub struct Program {
    pub(crate) facts: Arc<Facts>,
    pub(crate) rule: Arc<Rule>,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) root: Node,
    /// What [`Node`]s read of the resource, by number.
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) guards: Guards,
    /// The keys by which resources are looked up.
    pub(crate) keys: Vec<LookupKey>,
    /// The paths without which there is no verdict.
    pub(crate) needs: Box<[usize]>,
    /// How many questions a [`super::elements::Memo`] has.
    pub(crate) memos: usize,
    /// For each path, whether it is read only as a list of remembered answers, or for its length.
    pub(crate) lists: Box<[bool]>,
}

impl Expr {
    /// The path whose list this is.
    pub(crate) fn list_path(&self) -> Option<usize> {
        match self {
            Self::Path(path) => Some(*path),
            Self::Needed(inner) => inner.list_path(),
            Self::Call(Function::List, arguments) => match &**arguments {
                [inner] => inner.list_path(),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Program {
    pub(crate) fn compile(
        rule: &Arc<Rule>,
        facts: Arc<Facts>,
        needs: &[Vec<String>],
        parameters: &Map<String, Value>,
    ) -> Result<Self, PolicyError> {
        let mut compiler = Compiler::new(parameters, &facts.looks_up);
        let root = compiler.rule(rule)?;
        let needs: Box<[usize]> = needs.iter().map(|path| compiler.path(path.clone())).collect();
        let Compiler { paths, keys, memos, .. } = compiler;
        let mut lists: Box<[bool]> = paths.iter().map(|_| true).collect();
        root.visit(&mut |path, remembered| {
            if let Some(is_list) = lists.get_mut(path) {
                *is_list &= remembered;
            }
        });
        let guards = guards(&root, &paths, &needs);
        let rule = Arc::clone(rule);
        let parameters = parameters.clone();
        Ok(Self { facts, rule, parameters, root, paths, guards, keys, needs, memos, lists })
    }

    /// The (provider, type) pairs to which the guards at the rule's start restrict it, if they do.
    /// Any other resource is compliant.
    pub fn guards(&self) -> Option<&[(String, String)]> {
        self.guards.pairs.as_deref()
    }

    /// Does the verdict depend on the time?
    pub fn reads_clock(&self) -> bool {
        self.facts.reads_clock
    }

    /// Does the verdict depend on the resource recorder?
    pub fn reads_recorder(&self) -> bool {
        self.facts.reads_recorder
    }

    /// Does the verdict depend on the judged resource?
    pub fn reads_resource(&self) -> bool {
        self.facts.reads_resource
    }

    /// The `provider.type` names of the resources looked up.
    pub fn looks_up(&self) -> &[String] {
        &self.facts.looks_up
    }

    /// Does the verdict depend on the account?
    pub fn reads_account(&self) -> bool {
        self.facts.reads_account
    }

    /// By what resources are looked up, where they are found by a key.
    pub fn lookup_keys(&self) -> &[LookupKey] {
        &self.keys
    }

    /// The paths that the rule itself reads.
    pub(crate) fn rule_paths(&self) -> Vec<Vec<String>> {
        let mut used = Vec::new();
        self.root.paths(&mut used);
        used.iter().filter_map(|path| self.paths.get(*path).cloned()).collect()
    }

    /// The paths read of the resource, as lists of keys. The empty path is the whole resource.
    pub fn paths(&self) -> &[Vec<String>] {
        &self.paths
    }
}

#[derive(Debug)]
pub(crate) enum Node {
    AllOf(Box<[Node]>),
    AnyOf(Box<[Node]>),
    Not(Box<Node>),
    /// Known when compiled.
    Fixed(bool),
    Condition(Box<Comparison>),
}

#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) value: Expr,
    pub(crate) test: Test,
    pub(crate) negate: bool,
}

/// The comparator with what it compares with.
#[derive(Debug)]
pub(crate) enum Test {
    EqualsText(Box<[u8]>),
    Equals(Constant),
    In(ConstantSet),
    Matches(Box<Pattern>),
    /// False for any value.
    Never,
    /// `comparator` is one of the positive ones.
    General(Comparator, Expr),
}

#[derive(Debug)]
pub(crate) enum Expr {
    Constant(Constant),
    /// A value out of the resource, by the number of its path.
    Path(usize),
    /// The variable of the lambda so many levels out, and the way from there.
    Variable(usize, Box<[Box<[u8]>]>),
    Member(Box<Expr>, Box<[Box<[u8]>]>),
    Recorder,
    Account,
    Resources(usize),
    Each(Box<Each>),
    List(Box<[Expr]>),
    /// `contains(path, 'key')`: `child` is the path of the key. A key is found without a search
    /// when the container is an object.
    HasKey {
        container: usize,
        child: usize,
        key: Box<[u8]>,
        keys_only: bool,
    },
    Compare(Box<Comparison>),
    Length(Box<Expr>),
    GetValue(Box<Expr>, Box<Expr>),
    And(Box<[Expr]>),
    Or(Box<[Expr]>),
    Not(Box<Expr>),
    Coalesce(Box<[Expr]>),
    Needed(Box<Expr>),
    /// Condition, then, else.
    If(Box<[Expr]>),
    /// `like` and `wildcard` of a pattern that is known.
    Fits(Box<Expr>, Box<Glob>),
    /// Any other function: all arguments are evaluated.
    Call(Function, Box<[Expr]>),
}

/// `filter(list, lambda)` and its like.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) quantifier: Quantifier,
    pub(crate) list: Expr,
    pub(crate) body: Expr,
    /// How elements that cannot fit are passed over.
    pub(crate) join: Option<Join>,
    /// The number of its question in a [`super::elements::Memo`], if it goes through a path and its body
    /// asks only for the element, so that equal elements have the same answer.
    pub(crate) memo: Option<usize>,
    /// The members of elements that the body reads.
    pub(crate) reads: Box<[Box<[u8]>]>,
}
