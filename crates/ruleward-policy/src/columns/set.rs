//! Which columns the resources of a type have, and which of them a rule reads.

use std::collections::BTreeMap;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::reads::{Members, Part, Reads};
use crate::{Policy, Program};

/// What a column keeps of the values of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    /// Of elements that are objects only these members.
    Elements(Members),
    /// Of an object only that it is one.
    Shape,
    /// Of an object only its keys.
    Keys,
    /// As the shape; each member is a column of its own, made as it is met.
    Members,
}

/// A column of a set.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) path: Vec<String>,
    pub(crate) form: Form,
    pub(crate) id: u64,
}

/// The columns of the resources of a type. They belong to chunks by their ids, which are hashes of
/// what they keep: another version of a policy that reads more finds another column.
#[derive(Debug, Clone)]
pub struct ColumnSet {
    specs: Vec<Spec>,
    by_path: BTreeMap<Vec<String>, Vec<usize>>,
}

/// Where the values of some paths are.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    pub(crate) list: Vec<Input>,
    /// Columns that tell whether a rule is about the resources at all.
    guards: Vec<u64>,
}

/// Where the value of a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nobody asks for it.
    Unused,
    /// In a column.
    Column(u64),
    /// Inside the values of a column.
    Below(u64, Vec<Vec<u8>>),
    /// In a column that is there if any resource has the member; the first says whether all members
    /// are there.
    Member(u64, u64),
}

/// The id of the column of a path.
pub(crate) fn column_id(path: &[String], form: &Form) -> u64 {
    let mut hasher = SipHasher13::new_with_key(b"ruleward.columns");
    for key in path {
        hasher.write_usize(key.len());
        hasher.write(key.as_bytes());
    }
    match form {
        Form::Whole => hasher.write_u8(0),
        Form::Shape => hasher.write_u8(1),
        Form::Members => hasher.write_u8(2),
        Form::Keys => hasher.write_u8(4),
        Form::Elements(keys) => {
            hasher.write_u8(3);
            for (key, length_only) in keys {
                hasher.write_usize(key.len());
                hasher.write(key.as_bytes());
                hasher.write_u8((*length_only).into());
            }
        }
    }
    hasher.finish()
}

impl ColumnSet {
    /// The columns that judging by these policies reads, and those that filters do.
    pub fn new<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut reads = Reads::default();
        for key in ["provider", "type", "region_id"] {
            reads.part(&[key.to_owned()]).whole = true;
        }
        reads.part(&["tags".to_owned()]).members = true;
        for policy in policies {
            // Other resources have to be read anyway by a policy that looks them up.
            if policy.looks_up().is_empty()
                && let Some(parts) = policy.reads().parts()
            {
                reads.join(parts);
            }
        }
        let mut specs = Vec::new();
        for (path, part) in reads.parts().into_iter().flatten() {
            let Part { whole, members, shape, keys, elements } = part;
            let mut add = |form: Form| {
                specs.push(Spec { id: column_id(path, &form), path: path.clone(), form });
            };
            match elements {
                _ if *whole => add(Form::Whole),
                Some(keys) => add(Form::Elements(keys.clone())),
                None => {}
            }
            if *keys {
                add(Form::Keys);
            }
            if *members {
                add(Form::Members);
            } else if *shape && !keys && !whole && elements.is_none() {
                add(Form::Shape);
            }
        }
        let mut by_path: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (place, spec) in specs.iter().enumerate() {
            by_path.entry(spec.path.clone()).or_default().push(place);
        }
        Self { specs, by_path }
    }

    pub(crate) fn specs(&self) -> &[Spec] {
        &self.specs
    }

    /// The ids of the columns, less those of members, which only a chunk knows.
    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.specs.iter().map(|spec| spec.id)
    }

    /// Where a rule finds what it reads; `None` if it has to read the resources: it looks up others,
    /// or reads what no column keeps.
    pub fn inputs(&self, program: &Program) -> Option<Inputs> {
        if !program.looks_up().is_empty() {
            return None;
        }
        let parts = program.facts.reads.parts()?;
        let unused = |number: usize| program.guards.settled_paths.contains(&number);
        let list = program
            .paths()
            .iter()
            .enumerate()
            .map(|(number, path)| {
                if unused(number) { Some(Input::Unused) } else { self.input(path, parts.get(path)) }
            })
            .collect::<Option<_>>()?;
        let guards = program.guards().map_or_else(Vec::new, |_| pair_ids().to_vec());
        Some(Inputs { list, guards })
    }

    /// Where a filter finds the region, and the values of these tags after it.
    pub fn filter_inputs<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Option<Inputs> {
        let region = ["region_id".to_owned()];
        let mut list = vec![self.input(&region, None)?];
        for key in tags {
            list.push(self.input(&["tags".to_owned(), key.to_owned()], None)?);
        }
        Some(Inputs { list, guards: Vec::new() })
    }

    /// Where a value is of which this part is read; all of it unless that is told.
    fn input(&self, path: &[String], part: Option<&Part>) -> Option<Input> {
        let all = Part { whole: true, ..Part::default() };
        let part = part.unwrap_or(&all);
        // The cheapest one that keeps enough: there are fewest words in it.
        let rank = |form: &Form| match form {
            Form::Shape | Form::Members => {
                (!part.whole && !part.keys && part.elements.is_none()).then_some(0)
            }
            Form::Keys => (!part.whole && part.elements.is_none()).then_some(1),
            // Of what is no list nothing is left out.
            Form::Elements(kept) => {
                let keeps = |(key, length_only): (&String, &bool)| {
                    kept.get(key).is_some_and(|only| !only || *length_only)
                };
                let asked = part.elements.iter().flatten();
                (!part.whole && asked.into_iter().all(keeps)).then_some(2)
            }
            Form::Whole => Some(3),
        };
        let here = self.by_path.get(path).into_iter().flatten();
        let best = here
            .filter_map(|place| self.specs.get(*place))
            .filter_map(|spec| Some((rank(&spec.form)?, spec.id)))
            .min();
        if let Some((_, id)) = best {
            return Some(Input::Column(id));
        }
        let (key, parent) = path.split_last()?;
        for place in self.by_path.get(parent).into_iter().flatten() {
            let Some(spec) = self.specs.get(*place) else { continue };
            if spec.form == Form::Members {
                return Some(Input::Member(spec.id, column_id(path, &Form::Whole)));
            }
        }
        match self.input(parent, None)? {
            Input::Column(id) => Some(Input::Below(id, vec![key.as_bytes().to_vec()])),
            Input::Below(id, mut keys) => {
                keys.push(key.as_bytes().to_vec());
                Some(Input::Below(id, keys))
            }
            // A member of a member: its column is there or not.
            Input::Member(..) | Input::Unused => None,
        }
    }
}

impl Inputs {
    /// The columns that have to be at hand.
    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        let members = self.list.iter().filter_map(|input| match input {
            Input::Member(_, member) => Some(*member),
            _ => None,
        });
        self.needed().chain(members)
    }

    /// The columns without which there is no judging: all but those of members, which are there only
    /// where a resource has them.
    pub fn needed(&self) -> impl Iterator<Item = u64> + '_ {
        let columns = self.list.iter().filter_map(|input| match input {
            Input::Unused => None,
            Input::Column(id) | Input::Below(id, _) | Input::Member(id, _) => Some(*id),
        });
        columns.chain(self.guards.iter().copied())
    }
}

/// The columns of the provider and the type.
pub(crate) fn pair_ids() -> [u64; 2] {
    ["provider", "type"].map(|key| column_id(&[key.to_owned()], &Form::Whole))
}
