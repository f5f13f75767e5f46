//! How much of which values of a resource a rule can read, whatever its parameters.

use std::collections::BTreeMap;

use crate::ast::{Comparator, Condition, Expr, ExprKind, Function, Operand, Quantifier, Rule};

/// What of a value is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of its own")]
pub(crate) struct Part {
    /// All of it.
    pub(crate) whole: bool,
    /// Members that a parameter names, and what [`Part::shape`] says.
    pub(crate) members: bool,
    /// All of what is no object; of an object, that it is one.
    pub(crate) shape: bool,
    /// All of what is no object; of an object its keys.
    pub(crate) keys: bool,
    /// How many elements a list has, and these members of elements that are objects; all of any
    /// other element and of what is no list.
    pub(crate) elements: Option<Members>,
}

/// Members that are read, and of each whether no more of a text than its length is.
pub(crate) type Members = BTreeMap<String, bool>;

fn read_member(members: &mut Members, key: &str, length_only: bool) {
    match members.get_mut(key) {
        Some(known) => *known = *known && length_only,
        None => drop(members.insert(key.to_owned(), length_only)),
    }
}

/// What is read of a resource, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    parts: BTreeMap<Vec<String>, Part>,
    /// The whole resource is read as one value.
    resource: bool,
}

type Path = Vec<String>;

/// A variable of a lambda, and the lists whose elements it stands for.
struct Variable<'a> {
    name: &'a str,
    lists: Vec<Path>,
}

impl Reads {
    /// What a rule reads; with the paths that have to be there.
    pub(crate) fn of(rule: &Rule, needs: &[Path]) -> Self {
        let mut walk = Walk { reads: Self::default(), variables: Vec::new() };
        walk.rule(rule);
        for path in needs {
            walk.reads.part(path).shape = true;
        }
        walk.reads
    }

    /// By path; `None` where the resource is read as a whole.
    pub(crate) fn parts(&self) -> Option<&BTreeMap<Path, Part>> {
        (!self.resource).then_some(&self.parts)
    }

    pub(crate) fn part(&mut self, path: &[String]) -> &mut Part {
        self.resource |= path.is_empty();
        self.parts.entry(path.to_vec()).or_default()
    }

    /// Reads what another one does, too.
    pub(crate) fn join(&mut self, other: &BTreeMap<Path, Part>) {
        for (path, part) in other {
            let mine = self.part(path);
            mine.whole |= part.whole;
            mine.members |= part.members;
            mine.shape |= part.shape;
            mine.keys |= part.keys;
            if let Some(members) = &part.elements {
                let mine = mine.elements.get_or_insert_default();
                for (key, length_only) in members {
                    read_member(mine, key, *length_only);
                }
            }
        }
    }
}

struct Walk<'a> {
    reads: Reads,
    /// Innermost last.
    variables: Vec<Variable<'a>>,
}

/// The path of a value of the resource.
fn path_of(expr: &Expr) -> Option<Path> {
    match &expr.kind {
        ExprKind::Resource => Some(Vec::new()),
        ExprKind::Member(object, key) => {
            let mut path = path_of(object)?;
            path.push(key.clone());
            Some(path)
        }
        _ => None,
    }
}

fn literal_text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(value) => value.as_str(),
        _ => None,
    }
}

fn is_parameter(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Parameter(_) | ExprKind::Literal(_))
}

impl<'a> Walk<'a> {
    fn rule(&mut self, rule: &'a Rule) {
        match rule {
            Rule::AllOf(parts, _) | Rule::AnyOf(parts, _) => {
                for part in parts {
                    self.rule(part);
                }
            }
            Rule::Not(part, _) => self.rule(part),
            Rule::Condition(condition) => self.condition(condition),
        }
    }

    fn condition(&mut self, condition: &'a Condition) {
        let Condition { value, comparator, pattern, .. } = condition;
        let Operand::Expression { expr: value, .. } = value else {
            return self.operand(pattern);
        };
        match pattern {
            Operand::Expression { expr: pattern, .. } => self.compare(*comparator, value, pattern),
            Operand::Literal(pattern, _) => match (asks_for_key(*comparator), path_of(value)) {
                (true, Some(path)) => self.has_key(path, pattern.as_str()),
                _ => self.expr(value),
            },
        }
    }

    fn operand(&mut self, operand: &'a Operand) {
        if let Operand::Expression { expr, .. } = operand {
            self.expr(expr);
        }
    }

    fn compare(&mut self, comparator: Comparator, value: &'a Expr, pattern: &'a Expr) {
        match path_of(value) {
            Some(path) if asks_for_key(comparator) && is_parameter(pattern) => {
                self.has_key(path, literal_text(pattern));
            }
            _ => {
                self.expr(value);
                self.expr(pattern);
            }
        }
    }

    /// `contains` or `containsKey` of a key that is known, or a parameter.
    fn has_key(&mut self, mut path: Path, key: Option<&str>) {
        let part = self.reads.part(&path);
        match key {
            Some(key) => {
                part.shape = true;
                path.push(key.to_owned());
                self.reads.part(&path).whole = true;
            }
            None => part.members = true,
        }
    }

    fn whole(&mut self, path: &[String]) {
        self.reads.part(path).whole = true;
    }

    fn expr(&mut self, expr: &'a Expr) {
        if let Some(path) = path_of(expr) {
            return self.whole(&path);
        }
        match &expr.kind {
            ExprKind::Variable(name) => {
                for path in self.lists_of(name).to_vec() {
                    self.whole(&path);
                }
            }
            ExprKind::Member(..) => self.member(expr, false),
            ExprKind::List(elements) => elements.iter().for_each(|element| self.expr(element)),
            ExprKind::Each { quantifier, list, variable, body } => {
                let lists = self.each(list, variable, body);
                // The elements themselves are the value.
                if *quantifier == Quantifier::Filter {
                    for path in &lists {
                        self.whole(path);
                    }
                }
            }
            ExprKind::Call(function, arguments) => self.call(*function, arguments),
            ExprKind::Literal(_)
            | ExprKind::Resource
            | ExprKind::Parameter(_)
            | ExprKind::Recorder
            | ExprKind::Account
            | ExprKind::Resources(_) => {}
        }
    }

    /// A member of something else than the resource; perhaps only its length is read.
    fn member(&mut self, expr: &'a Expr, length_only: bool) {
        let (mut root, mut first, mut depth) = (expr, None, 0);
        while let ExprKind::Member(inner, key) = &root.kind {
            (root, first, depth) = (inner, Some(key), depth + 1);
        }
        let (ExprKind::Variable(name), Some(key)) = (&root.kind, first) else {
            return self.expr(root);
        };
        for path in self.lists_of(name).to_vec() {
            let members = self.reads.part(&path).elements.get_or_insert_default();
            read_member(members, key, length_only && depth == 1);
        }
    }

    fn lists_of(&self, name: &str) -> &[Path] {
        let variable = self.variables.iter().rev().find(|variable| variable.name == name);
        variable.map_or(&[], |variable| &variable.lists)
    }

    /// A list and what is asked of its elements; the paths whose elements they are.
    fn each(&mut self, list: &'a Expr, variable: &'a str, body: &'a Expr) -> Vec<Path> {
        let lists = self.lists(list);
        self.variables.push(Variable { name: variable, lists: lists.clone() });
        self.expr(body);
        self.variables.pop();
        lists
    }

    /// The paths that an expression is a list of, less some elements. What else it reads is noted.
    fn lists(&mut self, expr: &'a Expr) -> Vec<Path> {
        if let Some(path) = path_of(expr) {
            self.reads.part(&path).elements.get_or_insert_default();
            return vec![path];
        }
        match &expr.kind {
            ExprKind::Each { quantifier: Quantifier::Filter, list, variable, body } => {
                self.each(list, variable, body)
            }
            ExprKind::Call(Function::Coalesce | Function::Needed | Function::List, parts) => {
                parts.iter().flat_map(|part| self.lists(part)).collect()
            }
            ExprKind::Call(Function::If, parts) => match parts.as_slice() {
                [condition, yes, no] => {
                    self.expr(condition);
                    let mut lists = self.lists(yes);
                    lists.extend(self.lists(no));
                    lists
                }
                _ => Vec::new(),
            },
            _ => {
                self.expr(expr);
                Vec::new()
            }
        }
    }

    fn call(&mut self, function: Function, arguments: &'a [Expr]) {
        match (function, arguments) {
            (Function::Compare(comparator), [value, pattern]) => {
                self.compare(comparator, value, pattern);
            }
            (Function::GetValue, [map, key]) => match path_of(map) {
                Some(mut path) if literal_text(key).is_some() => {
                    path.extend(literal_text(key).map(str::to_owned));
                    self.whole(&path);
                }
                Some(path) if is_parameter(key) => self.reads.part(&path).members = true,
                _ => arguments.iter().for_each(|argument| self.expr(argument)),
            },
            (Function::Length | Function::IsNull, [of])
                if matches!(of.kind, ExprKind::Member(..)) && path_of(of).is_none() =>
            {
                self.member(of, true);
            }
            (Function::Length, [list]) => drop(self.lists(list)),
            (Function::Keys, [map]) => match path_of(map) {
                Some(path) => self.reads.part(&path).keys = true,
                None => self.expr(map),
            },
            (Function::IsNull, [value]) => match path_of(value) {
                Some(path) => self.reads.part(&path).shape = true,
                None => self.expr(value),
            },
            _ => arguments.iter().for_each(|argument| self.expr(argument)),
        }
    }
}

fn asks_for_key(comparator: Comparator) -> bool {
    matches!(comparator.positive().0, Comparator::Contains | Comparator::ContainsKey)
}
