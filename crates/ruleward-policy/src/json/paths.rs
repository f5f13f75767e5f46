//! Many paths out of one document in one walk.

use super::blocks::container_end;
use super::head::{Head, Key};
use super::scan::{NotJson, blanks, skip_value, value_at};
use super::shape::{Follow, Shape};
use super::{RawString, RawValue};

/// Nodes with up to this many keys are searched in a row, others by a small hash table.
const ROW: usize = 4;

/// A set of paths, merged into a tree by their common beginnings.
#[derive(Debug, Clone, Default)]
pub struct PathSet {
    root: Node,
    slots: usize,
    nodes: usize,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// Where the value goes, if it is asked for itself.
    slot: Option<usize>,
    edges: Box<[Edge]>,
    /// One bit for each length that a key has: most keys of a document are turned away by it.
    lengths: u64,
    /// Places of edges by hash, 0 for none; empty for small nodes.
    table: Box<[u16]>,
    /// How many values are asked for below this node.
    below: usize,
    /// What the objects here look like.
    shape: Shape,
}

#[derive(Debug, Clone)]
struct Edge {
    head: u64,
    key: Box<[u8]>,
    /// The number of the node in the set, for [`Seen`].
    number: usize,
    node: Node,
}

/// Collects paths; equal ones share a slot.
#[derive(Debug, Clone, Default)]
pub struct PathSetBuilder {
    paths: Vec<Vec<String>>,
}

/// The working memory of a walk, reused from one to the next.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    bits: Vec<u64>,
}

impl PathSetBuilder {
    /// The slot of a path. The empty path is the document itself.
    pub fn slot(&mut self, path: &[String]) -> usize {
        if let Some(known) = self.paths.iter().position(|known| known == path) {
            return known;
        }
        self.paths.push(path.to_vec());
        self.paths.len() - 1
    }

    /// The finished set.
    pub fn build(&self) -> PathSet {
        let mut wanted: Vec<(&[String], usize)> =
            self.paths.iter().enumerate().map(|(slot, path)| (path.as_slice(), slot)).collect();
        wanted.sort();
        let mut nodes = 0;
        let root = Node::build(&wanted, &mut nodes);
        PathSet { root, slots: self.paths.len(), nodes }
    }
}

impl Node {
    /// INVARIANT: `wanted` is sorted, so paths with the same first key stand together.
    fn build(wanted: &[(&[String], usize)], nodes: &mut usize) -> Self {
        let slot = wanted.iter().find(|(path, _)| path.is_empty()).map(|(_, slot)| *slot);
        let longer: Vec<_> =
            wanted.iter().filter_map(|(path, at)| Some((path.split_first()?, *at))).collect();
        let mut edges = Vec::new();
        for group in longer.chunk_by(|a, b| a.0.0 == b.0.0) {
            let Some(((key, _), _)) = group.first() else { continue };
            let rest: Vec<_> = group.iter().map(|((_, rest), at)| (*rest, *at)).collect();
            let number = *nodes;
            *nodes += 1;
            let node = Self::build(&rest, nodes);
            let key: Box<[u8]> = key.as_bytes().into();
            edges.push(Edge { head: head(&key, 0, key.len()), key, number, node });
        }
        let table = table(&edges);
        let lengths = edges.iter().fold(0, |bits, edge| bits | length_bit(edge.key.len()));
        let below = longer.len();
        Self { slot, edges: edges.into(), lengths, table, below, shape: Shape::default() }
    }

    #[inline]
    fn find(&self, bytes: &[u8], from: usize, length: usize) -> Option<&Edge> {
        if self.lengths & length_bit(length) == 0 {
            return None;
        }
        self.search(bytes, from, length)
    }

    fn search(&self, bytes: &[u8], from: usize, length: usize) -> Option<&Edge> {
        let head = head(bytes, from, length);
        let fits = |edge: &&Edge| {
            edge.head == head
                && edge.key.len() == length
                && (length <= 8
                    || bytes.get(from + 8..from + length).is_some_and(|tail| {
                        edge.key.get(8..).is_some_and(|expected| expected == tail)
                    }))
        };
        if self.table.is_empty() {
            return self.edges.iter().find(fits);
        }
        let mask = self.table.len() - 1;
        let mut at = place(head, length) & mask;
        while let Some(number @ 1..) = self.table.get(at) {
            if let Some(edge) = self.edges.get(usize::from(*number) - 1).filter(fits) {
                return Some(edge);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn find_escaped(&self, key: RawString<'_>) -> Option<&Edge> {
        self.edges.iter().find(|edge| key.equals(&edge.key))
    }
}

#[inline]
fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

fn place(head: u64, length: usize) -> usize {
    let mixed = (head ^ ((length as u64) << 59)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> 40).unwrap_or(0)
}

fn table(edges: &[Edge]) -> Box<[u16]> {
    if edges.len() <= ROW || edges.len() > 30_000 {
        return Box::default();
    }
    let mut table = vec![0_u16; (edges.len() * 4).next_power_of_two()];
    let mask = table.len() - 1;
    for (number, edge) in (1_u16..).zip(edges) {
        let mut at = place(edge.head, edge.key.len()) & mask;
        while table.get(at).is_some_and(|taken| *taken != 0) {
            at = (at + 1) & mask;
        }
        if let Some(free) = table.get_mut(at) {
            *free = number;
        }
    }
    table.into()
}

/// The first eight bytes of a key as one number.
#[inline]
fn head(bytes: &[u8], from: usize, length: usize) -> u64 {
    if let Some(chunk) = bytes.get(from..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        return match length {
            0 => 0,
            1..8 => word & (u64::MAX >> (64 - 8 * length)),
            _ => word,
        };
    }
    let mut chunk = [0; 8];
    for (to, byte) in chunk.iter_mut().zip(bytes.get(from..from + length).unwrap_or(&[])) {
        *to = *byte;
    }
    u64::from_le_bytes(chunk)
}

impl PathSet {
    /// How many values a walk gives.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Walks the document and writes the values: `out[slot]`, `None` for what is missing.
    pub fn extract<'a>(
        &self,
        bytes: &'a [u8],
        seen: &mut Seen,
        out: &mut Vec<Option<RawValue<'a>>>,
    ) -> Result<(), NotJson> {
        let start = blanks(bytes, 0);
        let mut walk = self.walk(bytes, seen, out);
        if walk.left == 0 {
            return bytes.get(start).map(|_| ()).ok_or(NotJson);
        }
        walk.value(&self.root, start).map(|_| ()).ok_or(NotJson)
    }

    /// As [`PathSet::extract`], for a document whose beginning was read before.
    pub fn extract_rest<'a>(
        &self,
        bytes: &'a [u8],
        head: &Head,
        seen: &mut Seen,
        out: &mut Vec<Option<RawValue<'a>>>,
    ) -> Result<(), NotJson> {
        if self.root.slot.is_some() {
            return self.extract(bytes, seen, out);
        }
        let mut walk = self.walk(bytes, seen, out);
        if walk.left == 0 {
            return Ok(());
        }
        walk.resume(&self.root, head).map(|_| ()).ok_or(NotJson)
    }

    fn walk<'a, 'w>(
        &self,
        bytes: &'a [u8],
        seen: &'w mut Seen,
        out: &'w mut Vec<Option<RawValue<'a>>>,
    ) -> Walk<'a, 'w> {
        out.clear();
        out.resize(self.slots, None);
        seen.bits.clear();
        seen.bits.resize(self.nodes.div_ceil(64), 0);
        let left = self.root.below + usize::from(self.root.slot.is_some());
        Walk { bytes, seen, out, left }
    }
}

struct Walk<'a, 'w> {
    bytes: &'a [u8],
    seen: &'w mut Seen,
    out: &'w mut [Option<RawValue<'a>>],
    /// How many values may still be found. At zero the walk ends, wherever it is.
    left: usize,
}

impl<'a> Walk<'a, '_> {
    fn value(&mut self, node: &Node, at: usize) -> Option<usize> {
        if node.edges.is_empty() || self.bytes.get(at) != Some(&b'{') {
            let (value, end) = value_at(self.bytes, at)?;
            self.left = self.left.saturating_sub(node.below);
            self.found(node, value);
            return Some(end);
        }
        let end = self.object(node, at)?;
        if node.slot.is_some() {
            self.found(node, RawValue::Object(self.bytes.get(at..end)?));
        }
        Some(end)
    }

    fn found(&mut self, node: &Node, value: RawValue<'a>) {
        if let Some(place) = node.slot.and_then(|slot| self.out.get_mut(slot)) {
            *place = Some(value);
            self.left = self.left.saturating_sub(1);
        }
    }

    /// `true` the first time.
    fn mark(&mut self, number: usize) -> bool {
        let Some(word) = self.seen.bits.get_mut(number / 64) else { return false };
        let bit = 1 << (number % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }

    /// Walks an object from its brace on; answers the place behind it, or any place once nothing is
    /// left to find.
    fn object(&mut self, node: &Node, at: usize) -> Option<usize> {
        let first = blanks(self.bytes, at + 1);
        if self.bytes.get(first) == Some(&b'}') {
            self.left = self.left.saturating_sub(node.below);
            return Some(first + 1);
        }
        self.entries(node, at, node.edges.len(), node.below)
    }

    /// The walk through the root where some entries were met before.
    fn resume(&mut self, node: &Node, head: &Head) -> Option<usize> {
        let (mut keys_left, mut still_below) = (node.edges.len(), node.below);
        for (key, value) in &head.passed {
            let edge = self.edge(node, key).filter(|edge| self.mark(edge.number));
            let Some(edge) = edge else { continue };
            self.value(&edge.node, *value)?;
            keys_left -= 1;
            still_below -= edge.node.below + usize::from(edge.node.slot.is_some());
            if self.left == 0 || keys_left == 0 {
                return Some(head.next);
            }
        }
        if head.closed {
            return Some(head.next);
        }
        self.entries(node, head.next, keys_left, still_below)
    }

    /// The edge of a key.
    #[expect(clippy::inline_always, reason = "passed through memory, the result stalls the walk")]
    #[inline(always)]
    fn edge<'n>(&self, node: &'n Node, key: &Key) -> Option<&'n Edge> {
        if key.escaped {
            node.find_escaped(RawString::new(self.bytes.get(key.start..key.end)?, true))
        } else {
            node.find(self.bytes, key.start, key.end - key.start)
        }
    }

    /// Walks the entries of an object from the brace or comma at `at` on. So many of the node's keys are not
    /// yet met, and so many values stand below those.
    fn entries(
        &mut self,
        node: &Node,
        at: usize,
        keys_left: usize,
        still_below: usize,
    ) -> Option<usize> {
        let mut follow = node.shape.follow();
        let end = self.each_entry(node, &mut follow, at, keys_left, still_below)?;
        follow.end();
        Some(end)
    }

    fn each_entry(
        &mut self,
        node: &Node,
        follow: &mut Follow<'_>,
        mut at: usize,
        mut keys_left: usize,
        mut still_below: usize,
    ) -> Option<usize> {
        let bytes = self.bytes;
        loop {
            let (edge, value) = if let Some(met) = follow.meet(bytes, at) {
                (met.edge().and_then(|place| node.edges.get(place)), blanks(bytes, met.value()))
            } else {
                let (key, value) = Key::read(bytes, blanks(bytes, at + 1))?;
                let edge = self.edge(node, &key);
                follow.learn(bytes, at, key, value, || {
                    node.edges
                        .iter()
                        .position(|of| edge.is_some_and(|edge| of.number == edge.number))
                });
                (edge, value)
            };
            // Of equal keys the first counts.
            if let Some(edge) = edge.filter(|edge| self.mark(edge.number)) {
                at = self.value(&edge.node, value)?;
                if self.left == 0 {
                    return Some(at);
                }
                keys_left -= 1;
                if keys_left == 0 {
                    return container_end(bytes, at);
                }
                still_below -= edge.node.below + usize::from(edge.node.slot.is_some());
            } else {
                at = skip_value(bytes, value)?;
            }
            at = blanks(bytes, at);
            match bytes.get(at)? {
                b',' => {}
                b'}' => {
                    self.left = self.left.saturating_sub(still_below);
                    return Some(at + 1);
                }
                _ => return None,
            }
        }
    }
}
