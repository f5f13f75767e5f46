//! What rules read of many resources, kept beside them: a column for each path, a word for each
//! slot of a chunk. Judging by a rule then reads no JSON of the resources.
//!
//! [`ColumnSet`] says which columns the resources of a type have: the paths that some policies can
//! read, whatever their parameters. [`ColumnBuilder`] fills them, [`Columns`] judges from them.
//!
//! INVARIANT: what is found from columns is what is found from the resources' JSON. A word is
//! the text of a value, less what no policy of the set reads of it; the same evaluator runs on
//! it. Where that would not do (a long value, a costly evaluation), the slot is told to be judged from
//! its JSON.

mod build;
mod codec;
mod judge;
mod lists;
mod memo;
mod parts;
mod reads;
mod set;
mod sources;
mod text;

pub use build::ColumnBuilder;
pub use judge::{Columns, Judged};
pub use set::{ColumnSet, Inputs};

pub(crate) use reads::Reads;

/// A word longer than this is not kept; the value has to be read from the resource.
const WORD_BYTES: usize = 4_096;

/// Nor is a list with an element that is an object longer than this.
///
/// Of such elements some members are left out. A step over what is kept stands for at most so many
/// bytes, and with [`WORD_STEPS`] that bounds the steps over the resource.
const ELEMENT_BYTES: usize = 2_048;

/// A list kept by its elements is made a text again, for what asks for the whole of it, up to here. The
/// texts of all slots of a chunk are in memory at once.
const TEXT_BYTES: usize = 16_384;

/// An evaluation over words that took more steps is done again from the resource: whether it keeps
/// within [`crate::STEP_BUDGET`] depends on the values as they stand there.
const WORD_STEPS: u32 = crate::STEP_BUDGET / 200;

/// A column takes at most so many bytes a slot; one that would take more keeps nothing.
const SLOT_BYTES: usize = 256;

/// So many members of an object become columns of their own; one with more keeps nothing.
const MEMBERS: usize = 64;
