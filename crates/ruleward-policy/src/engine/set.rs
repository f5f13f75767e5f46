//! Many programs over one resource: read once, run those that can apply.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::constant::Mixer;
use super::environment::Environment;
use super::evaluate::{Buffers, Subject, run};
use super::guard::Guards;
use super::{Outcome, Program, Reason};
use crate::json::{Head, HeadKeys, NotJson, PathSet, PathSetBuilder, RawValue, Seen};

/// Programs that are evaluated together. Their paths are merged, so that the JSON of a resource is
/// walked once, and their guards are looked at once, so that a program of another type costs nothing.
#[derive(Debug)]
pub struct ProgramSet {
    programs: Vec<Arc<Program>>,
    /// The plan for each pair that a guard names.
    plans: HashMap<Box<[u8]>, Plan, BuildHasherDefault<Mixer>>,
    /// What tells the type of a resource.
    pair: HeadKeys,
    /// The plan for all other resources: the programs without guards.
    rest: Plan,
}

/// What to do with the resources of one type.
#[derive(Debug)]
struct Plan {
    paths: PathSet,
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    /// The program's place in the set.
    number: usize,
    /// From the program's path numbers to slots of the plan.
    places: Box<[usize]>,
    /// How many parts of its top `allOf` hold for certain in this plan.
    settled: usize,
}

/// Buffers of an evaluation, kept from one resource to the next so that none is allocated anew.
#[derive(Debug, Default)]
pub struct Scratch {
    values: Vec<Option<RawValue<'static>>>,
    head: Head,
    seen: Seen,
    buffers: Buffers,
}

impl Scratch {
    /// Empty buffers; they grow with use.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn buffers(&mut self) -> &mut Buffers {
        &mut self.buffers
    }

    /// Lets go of the inventories looked up so far, which are kept for the next resource.
    pub fn forget_lookups(&mut self) {
        self.buffers.indexes.clear();
    }
}

/// An empty vector of another lifetime in the same memory.
fn recycle<'a>(mut values: Vec<Option<RawValue<'_>>>) -> Vec<Option<RawValue<'a>>> {
    values.clear();
    values.into_iter().map(|_| None).collect()
}

/// One key for a provider and a type. A zero byte is in neither.
fn pair_key(provider: &[u8], kind: &[u8], into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(provider);
    into.push(0);
    into.extend_from_slice(kind);
}

impl Plan {
    /// The programs that can apply: those without guards and those whose guards name the pair.
    fn new(programs: &[Arc<Program>], pair: Option<&(String, String)>) -> Self {
        let mut builder = PathSetBuilder::default();
        let mut runs = Vec::new();
        for (number, program) in programs.iter().enumerate() {
            if let Some(guards) = program.guards()
                && !pair.is_some_and(|pair| guards.contains(pair))
            {
                continue;
            }
            let Guards { settled, settled_paths, .. } = &program.guards;
            let slot = |(number, path): (usize, &Vec<String>)| {
                if settled_paths.contains(&number) { usize::MAX } else { builder.slot(path) }
            };
            let places = program.paths().iter().enumerate().map(slot).collect();
            runs.push(Run { number, places, settled: *settled });
        }
        Self { paths: builder.build(), runs }
    }
}

impl ProgramSet {
    /// A set; the outcomes come in the order of `programs`.
    pub fn new(programs: &[Arc<Program>]) -> Self {
        let mut plans = HashMap::default();
        let pairs = programs.iter().filter_map(|program| program.guards()).flatten();
        for pair in pairs {
            let mut key = Vec::new();
            pair_key(pair.0.as_bytes(), pair.1.as_bytes(), &mut key);
            plans.entry(key.into()).or_insert_with(|| Plan::new(programs, Some(pair)));
        }
        let pair = HeadKeys::new([b"provider", b"type"]);
        Self { programs: programs.to_vec(), plans, pair, rest: Plan::new(programs, None) }
    }

    /// How many programs are in the set.
    pub fn len(&self) -> usize {
        self.programs.len()
    }

    /// No program at all?
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Evaluates every program on one resource; `out[i]` belongs to the program `i`.
    pub fn evaluate(
        &self,
        scratch: &mut Scratch,
        resource: &[u8],
        env: &dyn Environment,
        out: &mut Vec<Outcome>,
    ) {
        out.clear();
        ask_for(resource);
        let mut values = recycle(std::mem::take(&mut scratch.values));
        match self.extract(scratch, resource, &mut values) {
            Err(NotJson) => {
                out.resize(self.len(), Outcome::Undetermined(Reason::NotJson));
            }
            Ok(plan) => {
                out.resize(self.len(), Outcome::Compliant);
                for one in &plan.runs {
                    let places = (self.programs.get(one.number), out.get_mut(one.number));
                    let (Some(program), Some(outcome)) = places else { continue };
                    let subject = Subject { program, places: &one.places, values: &values, env };
                    *outcome = run(subject, one.settled, &mut scratch.buffers);
                }
            }
        }
        scratch.values = recycle(values);
    }

    /// Finds the plan for the resource and reads what it needs.
    fn extract<'a>(
        &self,
        scratch: &mut Scratch,
        resource: &'a [u8],
        values: &mut Vec<Option<RawValue<'a>>>,
    ) -> Result<&Plan, NotJson> {
        let Scratch { head, seen, buffers, .. } = scratch;
        let buffer = &mut buffers.bytes;
        if self.plans.is_empty() {
            if !is_object(resource) {
                return Err(NotJson);
            }
            self.rest.paths.extract(resource, seen, values)?;
            return Ok(&self.rest);
        }
        let found = head.read(resource, &self.pair)?;
        let plan = match found {
            [Some(RawValue::String(provider)), Some(RawValue::String(kind))] => {
                if let (Some(provider), Some(kind)) = (provider.as_plain(), kind.as_plain()) {
                    pair_key(provider, kind, buffer);
                } else {
                    let (provider, kind) = (provider.to_text(), kind.to_text());
                    pair_key(provider.as_bytes(), kind.as_bytes(), buffer);
                }
                self.plans.get(buffer.as_slice()).unwrap_or(&self.rest)
            }
            _ => &self.rest,
        };
        plan.paths.extract_rest(resource, head, seen, values)?;
        Ok(plan)
    }
}

/// Looks at each line of memory once, so that a resource that is not at hand is waited for once and
/// not line by line as it is walked.
fn ask_for(resource: &[u8]) {
    const LINE: usize = 64;
    std::hint::black_box(resource.iter().step_by(LINE).fold(0, |all, byte| all ^ byte));
}

pub(super) fn is_object(resource: &[u8]) -> bool {
    resource.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}
