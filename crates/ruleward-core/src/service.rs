//! The service: everything the use cases share.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use ruleward_policy::{Catalogue, catalogue};
use ruleward_store::{ReadTx, Store, WriteTx, wait_for};
use ruleward_types::{
    AccountNo, ChunkNo, Clock, Error, ErrorCode, PolicyAssignment, ResourceType, Result, RuleNo,
    Timestamp, limits,
};

use crate::access::Access;
use crate::causes::{Cause, CauseKind};
use crate::channels::{Channels, NoChannels};
use crate::evaluation::columns::ColumnSets;
use crate::evaluation::rule_set::{CompiledRule, RuleSet, RuleSets};
use crate::evaluation::workers::Signal;
use crate::functions::{FunctionOptions, Functions};
use crate::inventory::upgrade::give_facets;
use crate::notifications::Addressee;
use crate::resources::{KnownTypes, catalogued_types};
use crate::sealing::{Sealer, SealingKey};
use crate::statistics;

/// What can be set.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Rules of one account at most.
    pub policy_assignment_quota: usize,
    /// Changes of an account's recorder in one UTC day at most; none is any number.
    pub recorder_changes_per_day: Option<u32>,
    /// Threads that judge chunks.
    pub evaluation_threads: usize,
    /// Slots from which on a chunk has columns beside it.
    pub columns_from: usize,
    /// The policies that rules can bind.
    pub catalogue: &'static Catalogue,
    /// What can be set of functions.
    pub functions: FunctionOptions,
    /// Where messages and archives go.
    pub channels: &'static dyn Channels,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policy_assignment_quota: limits::POLICY_ASSIGNMENTS,
            recorder_changes_per_day: None,
            evaluation_threads: 2,
            columns_from: 64,
            catalogue: catalogue(),
            functions: FunctionOptions::default(),
            channels: &NoChannels,
        }
    }
}

/// The use cases over one store.
#[derive(Debug)]
pub struct Service {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) catalogue: &'static Catalogue,
    /// How the catalogue spells types, by their folded names.
    pub(crate) catalogued_types: HashMap<String, ResourceType>,
    pub(crate) known_types: KnownTypes,
    pub(crate) options: Options,
    pub(crate) sealer: Sealer,
    pub(crate) secret: ServerSecret,
    pub(crate) signal: Signal,
    pub(crate) functions: Functions,
    /// Lanes that somebody delivers.
    pub(crate) lanes: Mutex<HashSet<(AccountNo, String)>>,
    /// Held by whoever makes messages of flipped verdicts.
    pub(crate) expanding: Mutex<()>,
    /// The hour in which messages that are done were forgotten last.
    pub(crate) pruned_hour: AtomicI64,
    /// Held by whoever writes archives.
    pub(crate) archiving: Mutex<()>,
    clock: Arc<dyn Clock>,
    rule_sets: RuleSets,
    pub(crate) column_sets: ColumnSets,
    /// The moment handed out last.
    latest: AtomicI64,
    /// The UTC day whose predecessors are frozen in the daily statistics.
    frozen_day: AtomicI64,
}

/// A random value of this store, from which hashes and markers get their keys.
#[derive(Clone)]
pub(crate) struct ServerSecret([u8; 32]);

impl std::fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerSecret")
    }
}

impl ServerSecret {
    const META: &'static str = "server_secret";

    fn load(store: &(dyn Store + 'static)) -> Result<Self> {
        store.write(|tx| {
            if let Some(known) = tx.meta(Self::META)?.and_then(|bytes| bytes.try_into().ok()) {
                return Ok(Self(known));
            }
            let mut made = [0; 32];
            getrandom::fill(&mut made).map_err(|e| Error::internal("no randomness", e))?;
            tx.set_meta(Self::META, &made)?;
            Ok(Self(made))
        })
    }

    /// A key for one purpose.
    pub(crate) fn key(&self, purpose: &str) -> [u8; 32] {
        crate::hashing::hmac_sha256(&self.0, purpose.as_bytes())
    }
}

/// What a write job works with.
pub(crate) struct Writing<'a> {
    pub(crate) tx: &'a dyn WriteTx,
    pub(crate) service: &'a Service,
    pub(crate) now: Timestamp,
    cause: &'a Cause,
    /// The account whose change was noted last.
    noted: Cell<Option<AccountNo>>,
    /// Chunks that got a ticket for runs.
    tickets: RefCell<HashSet<ChunkNo>>,
    /// The rules that were asked for last.
    rules: RefCell<Option<(AccountNo, Arc<RuleSet>)>>,
}

impl Writing<'_> {
    /// The rule set of this transaction.
    pub(crate) fn rule_set(&self, account: AccountNo) -> Result<Arc<RuleSet>> {
        let known = self.known_rules(account);
        if let Some(known) = &known
            && self.tx.rules_version(account)? == Some(known.version)
        {
            return Ok(Arc::clone(known));
        }
        let (sets, catalogue) = (&self.service.rule_sets, self.service.catalogue);
        let set = sets.get(self.tx, account, catalogue, known.as_deref())?;
        *self.rules.borrow_mut() = Some((account, Arc::clone(&set)));
        Ok(set)
    }

    fn known_rules(&self, account: AccountNo) -> Option<Arc<RuleSet>> {
        let rules = self.rules.borrow();
        rules.as_ref().filter(|of| of.0 == account).map(|of| Arc::clone(&of.1))
    }

    /// Whom an account tells of changes, if anybody.
    pub(crate) fn addressee(&self, account: AccountNo) -> Result<Option<Arc<Addressee>>> {
        let known = self.known_rules(account);
        let set = known.map_or_else(|| self.rule_set(account), Ok)?;
        Ok(set.addressee.clone())
    }

    /// Gives a chunk a ticket, once in this transaction.
    pub(crate) fn enqueue(&self, chunk: ChunkNo) -> Result<()> {
        if self.tickets.borrow_mut().insert(chunk) { self.tx.enqueue(chunk) } else { Ok(()) }
    }

    /// Keeps with the account's past that something changed now, and because of what.
    pub(crate) fn note_change(&self, account: AccountNo) -> Result<()> {
        if self.noted.get() == Some(account) {
            return Ok(());
        }
        self.tx.insert_change(account, self.now, &self.cause.encode()?)?;
        self.noted.set(Some(account));
        Ok(())
    }

    /// Adds a rule, to the past too.
    pub(crate) fn insert_rule(
        &self,
        account: AccountNo,
        rule: &mut PolicyAssignment,
    ) -> Result<()> {
        self.tx.insert_rule(account, rule)?;
        self.note_change(account)?;
        self.tx.insert_rule_version(account, rule, self.now)
    }

    /// Replaces a rule in which more changed than how far its run is.
    pub(crate) fn update_rule(&self, account: AccountNo, rule: &PolicyAssignment) -> Result<()> {
        self.tx.update_rule(rule)?;
        self.note_change(account)?;
        self.tx.insert_rule_version(account, rule, self.now)
    }

    /// Removes a rule with its runs and reported results; the past keeps it.
    pub(crate) fn delete_rule(&self, account: AccountNo, rule: RuleNo) -> Result<()> {
        self.tx.delete_rule(rule)?;
        self.note_change(account)?;
        self.tx.insert_rule_end(account, rule, self.now)
    }

    /// A rule of an account, compiled.
    pub(crate) fn compiled(
        &self,
        account: AccountNo,
        rule: PolicyAssignment,
    ) -> Result<CompiledRule> {
        let of = self.tx.account(account)?.map(|account| account.recorder).unwrap_or_default();
        CompiledRule::new(Arc::new(rule), self.service.catalogue, &of.selection)
    }
}

impl Service {
    /// Opens the service on a store.
    pub fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        sealing_key: &SealingKey,
        options: Options,
    ) -> Result<Arc<Self>> {
        let secret = ServerSecret::load(&*store)?;
        give_facets(&*store)?;
        let latest = store.read(|tx| tx.highest_version())?;
        Ok(Arc::new(Self {
            store,
            catalogue: options.catalogue,
            catalogued_types: catalogued_types(options.catalogue),
            known_types: KnownTypes::default(),
            options,
            sealer: Sealer::new(sealing_key),
            secret,
            signal: Signal::default(),
            functions: Functions::default(),
            lanes: Mutex::default(),
            expanding: Mutex::default(),
            archiving: Mutex::default(),
            pruned_hour: AtomicI64::new(i64::MIN),
            clock,
            rule_sets: RuleSets::default(),
            column_sets: ColumnSets::new(options.catalogue, options.columns_from),
            latest: AtomicI64::new(latest),
            frozen_day: AtomicI64::new(i64::MIN),
        }))
    }

    /// Refuses a store with a rule whose policy is not in the catalogue: the file of one of the
    /// users' own policies was taken away.
    pub(crate) fn check_policies(&self) -> Result<()> {
        for account in self.read(|tx| tx.accounts())? {
            for rule in self.read(|tx| tx.rules(account.no))? {
                let Some(id) = &rule.policy_definition_id else { continue };
                if self.catalogue.get(id).is_none() {
                    let words = format!(
                        "The rule `{}` of account {} binds the policy {id}, which is neither predefined \
                         nor in the folder of policies. Put its file back, or delete the rule first.",
                        rule.name, account.domain_id
                    );
                    return Err(Error::with(ErrorCode::DefinitionUnknown, words));
                }
            }
        }
        Ok(())
    }

    /// Where the time comes from.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The policies that rules can bind.
    pub fn catalogue(&self) -> &'static Catalogue {
        self.catalogue
    }

    /// A key for the markers of lists, the same for as long as the store lives.
    pub fn marker_key(&self) -> [u8; 32] {
        self.secret.key("marker")
    }

    /// Now; never the same moment twice and never back, also where the machine's clock is.
    pub(crate) fn tick(&self) -> Timestamp {
        let now = self.clock.now().0;
        let last = self
            .latest
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(now.max(last + 1)))
            .unwrap_or_default();
        Timestamp(now.max(last + 1))
    }

    /// Whether a day began whose predecessors are not frozen yet.
    pub(crate) fn day_has_passed(&self) -> bool {
        self.frozen_day.load(Ordering::Acquire) < self.clock.now().day()
    }

    /// Whether a request that reads a little would do so at once, and not wait for others.
    pub fn reads_at_once(&self) -> bool {
        self.store.reads_at_once()
    }

    /// Reads one snapshot.
    pub(crate) fn read<R>(&self, job: impl FnOnce(&dyn ReadTx) -> Result<R>) -> Result<R> {
        self.store.read(job)
    }

    /// The rule set of a snapshot that was read.
    pub(crate) fn rule_set(&self, tx: &dyn ReadTx, account: AccountNo) -> Result<Arc<RuleSet>> {
        let set = self.rule_sets.get(tx, account, self.catalogue, None)?;
        self.rule_sets.keep(account, &set);
        Ok(set)
    }

    /// Writes what the server does by itself, or what leaves the past of rules and resources as it is.
    pub(crate) fn write<R: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Writing<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.write_because(Cause::server(CauseKind::Evaluation), job)
    }

    /// Writes what a caller asked for.
    pub(crate) fn write_by<R: Send + 'static>(
        self: &Arc<Self>,
        access: &Access,
        kind: CauseKind,
        job: impl FnOnce(&Writing<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.write_because(Cause::by(access, kind), job)
    }

    /// Writes. Past days are frozen before the first change of a new one.
    pub(crate) fn write_because<R: Send + 'static>(
        self: &Arc<Self>,
        cause: Cause,
        job: impl FnOnce(&Writing<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        wait_for(|told| self.submit_because(cause, job, told))
    }

    /// Writes later, and tells when it is durable. Whoever is told may not wait.
    pub(crate) fn submit_because<R: Send + 'static>(
        self: &Arc<Self>,
        cause: Cause,
        job: impl FnOnce(&Writing<'_>) -> Result<R> + Send + 'static,
        told: impl FnOnce(Result<R>) + Send + 'static,
    ) {
        let (service, after) = (Arc::clone(self), Arc::clone(self));
        let job = move |tx: &dyn WriteTx| {
            let now = service.tick();
            let day = now.day();
            if service.frozen_day.load(Ordering::Acquire) < day {
                statistics::freeze(tx, day)?;
            }
            let writing = Writing {
                tx,
                service: &service,
                now,
                cause: &cause,
                noted: Cell::new(None),
                tickets: RefCell::default(),
                rules: RefCell::default(),
            };
            Ok((job(&writing)?, day))
        };
        self.store.submit(job, move |outcome| {
            told(outcome.map(|(written, day)| {
                after.frozen_day.fetch_max(day, Ordering::AcqRel);
                after.signal.committed();
                written
            }));
        });
    }
}
