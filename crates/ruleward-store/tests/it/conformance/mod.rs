//! What every store has to do. `store_conformance!(open)` makes a module of tests of a store;
//! `open` takes a directory of its own and opens what is in it, or makes it.

pub(crate) mod accounts;
pub(crate) mod chunks;
pub(crate) mod columns;
pub(crate) mod facets;
pub(crate) mod functions;
pub(crate) mod history;
pub(crate) mod imports;
pub(crate) mod notifications;
pub(crate) mod organization_policy_assignments;
pub(crate) mod organizations;
pub(crate) mod policy_assignments;
pub(crate) mod relations;
pub(crate) mod resources;
pub(crate) mod runs;
pub(crate) mod statistics;
pub(crate) mod tracker_config;
pub(crate) mod transactions;

use std::path::Path;
use std::sync::Arc;

use ruleward_store::{Chunk, Store};
use ruleward_types::{
    Account, AccountNo, AssignmentKind, AssignmentState, PolicyAssignment, PolicyAssignmentId,
    PolicyFilter, Recorder, ResourceType, RuleNo, Timestamp, TriggerType,
};

/// How a store is opened.
pub(crate) type Open = fn(&Path) -> Arc<dyn Store>;

/// A store in a directory of its own.
#[derive(Debug)]
pub(crate) struct Place {
    directory: tempfile::TempDir,
    open: Open,
    store: Arc<dyn Store>,
}

impl Place {
    pub(crate) fn new(open: Open) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        Self { directory, open, store }
    }

    pub(crate) fn store(&self) -> &(dyn Store + 'static) {
        &*self.store
    }

    pub(crate) fn shared(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(crate) fn reopen(self) -> Self {
        self.reopen_after(|| ())
    }

    /// Lets go of the store, does something, and opens it again.
    pub(crate) fn reopen_after(self, job: impl FnOnce()) -> Self {
        let Self { directory, open, store } = self;
        drop(store);
        job();
        let store = open(directory.path());
        Self { directory, open, store }
    }

    /// An account of that name.
    pub(crate) fn account(&self, name: &str) -> AccountNo {
        let account = account(name);
        self.store().write(move |tx| tx.insert_account(&account)).unwrap()
    }

    /// A chunk for volumes.
    pub(crate) fn chunk(&self, account: AccountNo) -> Chunk {
        self.store()
            .write(move |tx| {
                let no = tx.ensure_type(account, &ResourceType::new("evs", "volumes"))?;
                tx.insert_chunk(account, no, true)
            })
            .unwrap()
    }

    /// A rule of that name.
    pub(crate) fn rule(&self, account: AccountNo, name: &str) -> PolicyAssignment {
        let mut rule = rule(name);
        self.store()
            .write(move |tx| {
                tx.insert_rule(account, &mut rule)?;
                Ok(rule)
            })
            .unwrap()
    }
}

pub(crate) fn account(name: &str) -> Account {
    Account {
        no: AccountNo(0),
        domain_id: format!("domain-of-{name}"),
        name: name.to_owned(),
        created: Timestamp(5),
        recorder: Recorder::ON,
        rules_version: 0,
    }
}

pub(crate) fn rule(name: &str) -> PolicyAssignment {
    PolicyAssignment {
        no: RuleNo(0),
        id: PolicyAssignmentId::new(Timestamp(9_000_000)).unwrap(),
        kind: AssignmentKind::Builtin,
        name: name.to_owned(),
        description: Some("é \"quoted\"".to_owned()),
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        trigger: TriggerType::Resource,
        state: AssignmentState::Enabled,
        created: Timestamp(9_000_000),
        updated: Timestamp(9_000_001),
        policy_definition_id: Some("5fa36558aa1e6afc05a3d0a7".to_owned()),
        custom_policy: None,
        parameters: serde_json::from_str(r#"{"n": 123456789012345678901234567890, "z": 1.50}"#)
            .unwrap(),
        tags: Vec::new(),
        created_by: "custom".to_owned(),
        revision: "0".repeat(32),
        mark: 1,
        run: None,
    }
}

/// The suite, as tests of one store.
#[macro_export]
macro_rules! store_conformance {
    ($open:ident) => {
        $crate::store_conformance! { @tests $open;
            accounts: small_values_are_kept, accounts_are_found, names_are_unique,
                rules_version_moves, kept_numbers_move, users_and_keys, tokens_end;
            chunks: types_fold_case, changes_of_types_are_counted, chunks_in_order, last_chunk_is_the_newest,
                told_chunks_are_apart,
                planes_are_replaced, tickets_have_generations, tickets_are_listed_in_order;
            columns: columns_join_and_replace, some_columns_are_read_of_many, what_columns_know_is_kept;
            facets: facets_are_found, numbers_move_and_what_nobody_has_goes,
                names_are_paged, postings_are_replaced_and_sought;
            functions: functions_are_found, a_newer_event_takes_the_place_of_an_older,
                the_queue_is_walked_by_accounts_and_rules, states_of_jobs,
                runs_that_still_make_their_jobs, a_deleted_rule_takes_its_jobs_along;
            notifications: messages_wait_in_order, messages_are_given_up, lanes_are_due, archives,
                flips_are_taken_in_order;
            history: a_moment_belongs_to_the_change_before_it, transitions_are_walked_newest_first,
                replaced_bodies_are_kept, many_replaced_bodies_are_found,
                deleted_resources_are_found, rules_as_they_stood,
                what_is_pruned_is_the_account_s_and_old;
            imports: sessions_are_found_by_id_and_source, seen_slots;
            organization_policy_assignments: rules_are_found, what_is_asked_for_is_a_queue, removals;
            organizations: organizations_are_found, members_are_listed_in_order,
                units_nest_and_go_when_empty, sums_are_of_kept_numbers;
            policy_assignments: rules_are_found, every_snapshot_has_its_own_rules, a_name_is_free_or_refused,
                numbers_of_rules_are_not_reused, kept_numbers_of_rules, schedule,
                reported_results, a_deleted_rule_takes_its_own_along;
            relations: targets_differ, who_names_a_target_now_and_then,
                changes_are_listed_and_forgotten;
            resources: found_by_id_in_types_and_accounts, names_lead_to_resources,
                a_part_of_a_chunk, bodies_change_and_go,
                a_scan_is_ordered_and_filtered, a_scan_ends_with_an_error,
                the_highest_version;
            runs: runs_in_order;
            statistics: days_are_frozen_once_and_pruned;
            tracker_config: a_config_is_the_recorder, changes_of_a_day_are_counted;
            transactions: submitted_jobs_are_told,
                who_is_told_may_be_the_last_to_hold_the_store,
                a_reader_sees_one_snapshot, readers_see_what_was_acknowledged,
                a_reader_cannot_hold_up_the_writer, every_clients_jobs_run_once_and_in_their_order,
                a_failing_job_leaves_nothing, a_panicking_job_leaves_nothing,
                failures_in_one_commit_disturb_no_other, a_failing_reader_gives_its_place_back,
                a_reopened_store_has_everything;
        }
    };
    (@tests $open:ident; $($group:ident: $($test:ident),*;)*) => {
        mod conformance {
            $(mod $group {
                $(#[test]
                fn $test() {
                    let open: $crate::conformance::Open = |directory| super::super::$open(directory);
                    $crate::conformance::$group::$test($crate::conformance::Place::new(open));
                })*
            })*
        }
    };
}
