//! Postings of any density over many chunks: what a plan finds is what all postings together say.

use std::sync::Arc;

use proptest::prelude::*;
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{
    AccountNo, Facet, FacetCounts, FilterTag, Recorder, ResourceType, Selection, SystemClock,
};

use super::*;
use crate::{Options, SealingKey, Service};

const CHUNKS: usize = 400;
const TYPES: [&str; 2] = ["volumes", "snapshots"];
const VALUES: [&str; 3] = ["a", "b", "c"];

/// Of each value the slots of each chunk, by the chunk's place.
type Tags = Vec<Vec<Vec<usize>>>;

struct House {
    store: Arc<dyn Store>,
    account: AccountNo,
    chunks: Vec<(ChunkNo, TypeNo)>,
    _directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> =
            SqliteStore::open(&directory.path().join("store.sqlite")).unwrap();
        let key = SealingKey::new([1; 32]);
        let clock = Arc::new(SystemClock);
        let service = Service::open(Arc::clone(&store), clock, &key, Options::default()).unwrap();
        let account = service.create_account("acme", None, Recorder::switched(false)).unwrap().no;
        let chunks = store
            .write(move |tx| {
                let mut chunks = Vec::new();
                for place in 0..CHUNKS {
                    // Mostly of one type, and the others between.
                    let kind = TYPES[usize::from(place % 5 == 3)];
                    let of = tx.ensure_type(account, &ResourceType::new("evs", kind))?;
                    chunks.push((tx.insert_chunk(account, of, true)?.no, of));
                }
                Ok(chunks)
            })
            .unwrap();
        Self { store, account, chunks, _directory: directory }
    }

    /// Replaces all postings.
    fn tag(&self, tags: &Tags) {
        let (account, chunks, tags) = (self.account, self.chunks.clone(), tags.clone());
        self.store
            .write(move |tx| {
                for (value, slots) in VALUES.iter().zip(&tags) {
                    for ((chunk, type_no), slots) in chunks.iter().zip(slots) {
                        let facet = Facet::tag("k", *value);
                        let no = if let Some(no) = tx.facet_no(account, *type_no, &facet)? {
                            no
                        } else {
                            tx.insert_facet(account, *type_no, &facet, FacetCounts::default())?
                        };
                        let mut bits = Bits::default();
                        for slot in slots {
                            bits.set(*slot, true);
                        }
                        tx.put_postings(&[((no, *chunk), posting::encode(&bits))])?;
                    }
                }
                Ok(())
            })
            .unwrap();
    }

    fn found(&self, groups: &[Vec<usize>], from: Option<usize>) -> Vec<(ChunkNo, Vec<usize>)> {
        let tags = groups.iter().map(|group| FilterTag {
            key: "k".to_owned(),
            values: group.iter().map(|value| VALUES[*value].to_owned()).collect(),
        });
        let filter = ResourceFilter { tags: tags.collect(), ..ResourceFilter::default() };
        self.store
            .read(|tx| {
                let (account, inventory) = (self.account, Inventory::All);
                let view = View { tx, account, inventory, recorded: Selection::All };
                let mut plan = match from {
                    Some(place) => Plan::new(&view, &filter, self.chunks[place].0)?,
                    None => Plan::whole(&view, &filter)?,
                };
                let mut found = Vec::new();
                while let Some(block) = plan.next()? {
                    let Slots::These(slots) = block.slots else { panic!("not narrowed") };
                    found.push((block.chunk, slots.iter_from(0).collect()));
                }
                Ok(found)
            })
            .unwrap()
    }

    fn expected(
        &self,
        tags: &Tags,
        groups: &[Vec<usize>],
        from: usize,
    ) -> Vec<(ChunkNo, Vec<usize>)> {
        let slots = |place: usize| -> Vec<usize> {
            let has = |slot: &usize| {
                groups
                    .iter()
                    .all(|group| group.iter().any(|value| tags[*value][place].contains(slot)))
            };
            (0..100).filter(has).collect()
        };
        let places = (from..CHUNKS).map(|place| (self.chunks[place].0, slots(place)));
        places.filter(|(_, slots)| !slots.is_empty()).collect()
    }
}

/// Slots of all chunks: a value is in one of so many chunks, and has few slots or many there.
fn postings() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let one_in = prop::sample::select(vec![1_u32, 2, 9, 60, 1000]);
    one_in.prop_flat_map(|one_in| {
        let few = prop::collection::btree_set(0_usize..40, 1..4)
            .prop_map(|slots| slots.into_iter().collect::<Vec<_>>());
        let many = (1_usize..90).prop_map(|to| (0..to).filter(|slot| slot % 3 < 2).collect());
        let slots = prop_oneof![
            1 => prop_oneof![few, many],
            one_in - 1 => Just(Vec::new()),
        ];
        prop::collection::vec(slots, CHUNKS)
    })
}

#[test]
fn a_plan_finds_what_all_postings_say() {
    let house = House::new();
    let group = prop::sample::subsequence(vec![0_usize, 1, 2], 1..=2);
    let groups = prop::collection::vec(group, 1..4);
    let tags = prop::collection::vec(postings(), VALUES.len());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    let ran = runner.run(&(tags, groups, 0..CHUNKS), |(tags, groups, from)| {
        house.tag(&tags);
        prop_assert_eq!(house.found(&groups, None), house.expected(&tags, &groups, 0));
        let from_there = house.expected(&tags, &groups, from);
        prop_assert_eq!(house.found(&groups, Some(from)), from_there);
        Ok(())
    });
    ran.unwrap();
}
