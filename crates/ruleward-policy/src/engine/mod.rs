//! Checked tree to verdict.

mod compare;
mod compile;
mod constant;
mod each;
mod elements;
mod environment;
mod evaluate;
mod explain;
mod guard;
mod join;
mod library;
mod made;
mod outcome;
mod pattern;
mod program;
mod reads;
mod set;
mod table;
mod value;

pub use environment::Environment;
pub use explain::{ExplainedCondition, ExplainedNode, Explanation, NodeKind, ReadPath, explain};
pub use join::LookupKey;
pub use outcome::{Outcome, Reason};
pub use program::Program;
pub use set::{ProgramSet, Scratch};

pub(crate) use compile::{accepts, always, compile_pattern};
pub(crate) use constant::{Constant, Mixer};
pub(crate) use elements::{ElementList, ElementTable, Listed, Member, Memo};
pub(crate) use evaluate::{Ask, Buffers, Subject, ask};
pub(crate) use library::{Glob, timestamp_ms};
pub(crate) use pattern::Pattern;
pub(crate) use program::{Comparison, Each, Expr, Node, Test};
pub(crate) use table::{LANES, Table};

/// How many steps one program may take on one resource: an expression, an element looked at, or
/// 64 bytes scanned is a step.
pub const STEP_BUDGET: u32 = 100_000;
