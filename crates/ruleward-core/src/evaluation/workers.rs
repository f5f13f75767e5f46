//! The threads that take tickets and watch the clock.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use ruleward_store::{ReadTx, Ticket};
use ruleward_types::{
    AccountNo, AssignmentState, ChunkNo, Error, PolicyAssignment, Result, Timestamp,
};

use super::chunk_run;
use super::ledger::Ledger;
use crate::Service;
use crate::service::Writing;

/// Seconds between two looks at what of the past is no longer kept.
const PRUNE_EVERY_S: i64 = 3600;
/// Chunks that a worker judges before it commits.
const BATCH: usize = 16;
/// How long the writer works on these at a time, at least for one chunk.
const COMMIT: Duration = Duration::from_millis(1);
/// Threads that deliver messages: one that waits for a receiver does not hold up all others.
const DELIVERY_THREADS: usize = 2;
/// Tickets may also come from another process.
const POLL: Duration = Duration::from_secs(1);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How long the answer to a change of a rule waits for its run, so that small inventories are
/// judged when it comes.
const SETTLE: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct State {
    stop: bool,
    running: bool,
    /// Moves with every wake-up.
    woken: u64,
    claimed: HashSet<ChunkNo>,
    /// Accounts that somebody deploys to. Nothing hangs on it but that no work is done twice.
    deploying: HashSet<AccountNo>,
}

/// Wakes workers, and those who wait for them.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    work: Condvar,
    progress: Condvar,
    after_commit: AtomicBool,
}

impl Signal {
    /// There may be tickets, or another time to wait for.
    pub(crate) fn wake(&self) {
        self.state.lock().woken += 1;
        self.work.notify_all();
    }

    /// How often it was woken.
    pub(crate) fn woken(&self) -> u64 {
        self.state.lock().woken
    }

    /// Waits until it is woken again, or a little; false where everything stops.
    pub(crate) fn wait_for_work(&self, since: u64) -> bool {
        let mut state = self.state.lock();
        if !state.stop && state.woken == since {
            self.work.wait_for(&mut state, POLL);
        }
        !state.stop
    }

    /// The write job at hand adds tickets.
    pub(crate) fn wake_after_commit(&self) {
        self.after_commit.store(true, Ordering::Release);
    }

    /// A write job was committed.
    pub(crate) fn committed(&self) {
        if self.after_commit.swap(false, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// Something ended that somebody may wait for.
    pub(crate) fn progressed(&self) {
        self.progress.notify_all();
    }

    /// Takes an account to deploy to, unless somebody else has it.
    pub(crate) fn claim_account(&self, account: AccountNo) -> bool {
        self.state.lock().deploying.insert(account)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.state.lock().stop
    }

    /// Whether somebody deploys.
    pub(crate) fn is_deploying(&self) -> bool {
        !self.state.lock().deploying.is_empty()
    }

    /// Gives accounts back.
    pub(crate) fn release_accounts(&self, accounts: &[AccountNo]) {
        let mut state = self.state.lock();
        for account in accounts {
            state.deploying.remove(account);
        }
    }

    /// Waits until something ends. Progress between a look and the wait is not missed for long.
    pub(crate) fn wait_for_progress(&self) {
        self.progress.wait_for(&mut self.state.lock(), Duration::from_millis(10));
    }
}

/// The running threads. They stop, after what they have in hand, when this is dropped.
#[derive(Debug)]
pub struct Workers {
    service: Arc<Service>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Workers {
    fn drop(&mut self) {
        {
            let mut state = self.service.signal.state.lock();
            state.stop = true;
            state.running = false;
        }
        self.service.signal.work.notify_all();
        self.service.signal.progress.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.service.signal.state.lock().stop = false;
    }
}

impl Service {
    /// Starts the threads. Rules whose policy changed with this program are judged again first.
    pub fn start(self: &Arc<Self>) -> Result<Workers> {
        self.check_policies()?;
        self.upgrade_policies()?;
        self.upgrade_relations()?;
        self.signal.state.lock().running = true;
        let mut workers = Workers { service: Arc::clone(self), threads: Vec::new() };
        for n in 0..self.options.evaluation_threads.max(1) {
            workers.spawn(format!("evaluation-{n}"), Self::take_tickets)?;
        }
        workers.spawn("schedule".to_owned(), Self::watch_clock)?;
        if self.has_function_host() {
            workers.spawn("functions".to_owned(), Self::call_functions)?;
        }
        for n in 0..DELIVERY_THREADS {
            workers.spawn(format!("delivery-{n}"), |service| {
                service.repeat(|| service.deliver_due());
            })?;
        }
        workers.spawn("archives".to_owned(), |service| service.repeat(|| service.archive_due()))?;
        Ok(workers)
    }

    fn take_tickets(self: &Arc<Self>) {
        loop {
            let woken = self.signal.state.lock().woken;
            let claimed = match self.claim() {
                Ok(claimed) => claimed,
                Err(error) => {
                    report(&error);
                    Vec::new()
                }
            };
            if claimed.is_empty() {
                // Rules of members come after what has rules already.
                if !self.signal.is_stopping() && self.deploy().inspect_err(report).unwrap_or(false)
                {
                    continue;
                }
                let mut state = self.signal.state.lock();
                if state.stop {
                    return;
                }
                if state.woken == woken {
                    self.signal.work.wait_for(&mut state, POLL);
                }
                continue;
            }
            let failed = self.work(&claimed).inspect_err(report).is_err();
            let mut state = self.signal.state.lock();
            for ticket in &claimed {
                state.claimed.remove(&ticket.chunk);
            }
            self.signal.progress.notify_all();
            if failed && !state.stop {
                self.signal.work.wait_for(&mut state, AFTER_FAILURE);
            }
            if state.stop {
                return;
            }
        }
    }

    fn claim(&self) -> Result<Vec<Ticket>> {
        loop {
            let asked = BATCH + self.signal.state.lock().claimed.len();
            let tickets = self.read(|tx| tx.tickets(ChunkNo(0), asked))?;
            let mut state = self.signal.state.lock();
            if state.stop {
                return Ok(Vec::new());
            }
            let was_all = tickets.len() < asked;
            let claimed: Vec<_> = tickets
                .into_iter()
                .filter(|ticket| state.claimed.insert(ticket.chunk))
                .take(BATCH)
                .collect();
            // Others may have claimed these between the two looks, and there are more.
            if was_all || !claimed.is_empty() {
                return Ok(claimed);
            }
        }
    }

    /// Does the work of tickets until each has ended or has to be taken again.
    pub(crate) fn work(self: &Arc<Self>, tickets: &[Ticket]) -> Result<()> {
        let mut accounts = BTreeSet::new();
        for ticket in tickets {
            accounts.extend(self.read(|tx| tx.chunk(ticket.chunk))?.map(|chunk| chunk.account));
        }
        for account in accounts {
            self.catch_up(account)?;
        }
        let mut done = VecDeque::new();
        for ticket in tickets {
            done.extend(self.read(|tx| self.judged(tx, *ticket))?);
        }
        while !done.is_empty() {
            done = self.write(move |writing| commit_some(writing, done))?;
        }
        Ok(())
    }

    fn judged(&self, tx: &dyn ReadTx, ticket: Ticket) -> Result<Option<Done>> {
        let Some(chunk) = tx.chunk(ticket.chunk)? else { return Ok(None) };
        if !chunk.recorded {
            return Ok(Some(Done::NotRecorded(ticket)));
        }
        let account = chunk.account;
        let set = self.rule_set(tx, account)?;
        let judged = chunk_run::judge(tx, ticket, &set, &self.column_sets, chunk, self.tick())?;
        Ok(Some(match judged {
            Some(judged) => Done::Judged(account, Box::new(judged)),
            None => Done::Idle { account, ticket, judged_by: set.version },
        }))
    }

    /// Judges until no ticket is left: for tests and for commands that run without threads.
    pub fn work_off(self: &Arc<Self>) -> Result<()> {
        loop {
            let tickets = self.read(|tx| tx.tickets(ChunkNo(0), BATCH))?;
            if !tickets.is_empty() {
                self.work(&tickets)?;
            } else if !self.deploy()? {
                return Ok(());
            }
        }
    }

    /// Does something again and again: at once while there is something to do, else when it is woken
    /// or after a while.
    fn repeat(self: &Arc<Self>, work: impl Fn() -> Result<bool>) {
        loop {
            let woken = self.signal.state.lock().woken;
            let more = work().inspect_err(report).unwrap_or(false);
            let mut state = self.signal.state.lock();
            if state.stop {
                return;
            }
            if !more && state.woken == woken {
                self.signal.work.wait_for(&mut state, POLL);
            }
        }
    }

    fn watch_clock(self: &Arc<Self>) {
        let mut pruned = Timestamp(0);
        loop {
            let started = self.run_due_rules().inspect_err(report).unwrap_or(0);
            // A new day is frozen also where nothing is written.
            if self.day_has_passed() {
                let _ = self.write(|_| Ok(())).inspect_err(report);
            }
            // Bit by bit, so that a long past does not hold the writer.
            let now = self.clock().now();
            let mut pruning = false;
            if now > pruned.plus_seconds(PRUNE_EVERY_S) {
                pruning = self.prune_history().inspect_err(report).unwrap_or(false);
                if !pruning {
                    pruned = now;
                }
            }
            // Also while the others have tickets all the time.
            let deployed =
                !self.signal.is_stopping() && self.deploy().inspect_err(report).unwrap_or(false);
            let mut state = self.signal.state.lock();
            if state.stop {
                return;
            }
            if started == 0 && !deployed && !pruning {
                self.signal.work.wait_for(&mut state, POLL);
            }
        }
    }

    /// Waits a little for the run of a rule that was changed, and returns the rule as it is
    /// then.
    pub(crate) fn settled(self: &Arc<Self>, rule: PolicyAssignment) -> Result<PolicyAssignment> {
        let is_running =
            |state| matches!(state, AssignmentState::Evaluating | AssignmentState::Submitting);
        if !is_running(rule.state) {
            return Ok(rule);
        }
        let until = Instant::now() + SETTLE;
        loop {
            // Whoever deletes the rule meanwhile does not take the answer away.
            let Some((_, now)) = self.read(|tx| tx.rule(rule.no))? else { return Ok(rule) };
            let done = !is_running(now.state);
            if done || !self.signal.state.lock().running || Instant::now() >= until {
                return Ok(now);
            }
            self.signal.wait_for_progress();
        }
    }
}

impl Workers {
    fn spawn(&mut self, name: String, run: fn(&Arc<Service>)) -> Result<()> {
        let service = Arc::clone(&self.service);
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || run(&service))
            .map_err(|e| Error::internal("start a thread", e))?;
        self.threads.push(thread);
        Ok(())
    }
}

/// What is done for a ticket, less the commit.
enum Done {
    Judged(AccountNo, Box<chunk_run::Judged>),
    /// There was nothing to judge by rules of this version.
    Idle {
        account: AccountNo,
        ticket: Ticket,
        judged_by: i64,
    },
    NotRecorded(Ticket),
}

/// Commits what is done for some tickets; those that are left. The writer, which everybody waits for,
/// is not held for long.
fn commit_some(writing: &Writing<'_>, mut done: VecDeque<Done>) -> Result<VecDeque<Done>> {
    let begun = Instant::now();
    let mut ledger = Ledger::default();
    while let Some(one) = done.pop_front() {
        match one {
            Done::Judged(account, judged) => {
                let set = writing.rule_set(account)?;
                chunk_run::commit(writing, *judged, &set, &mut ledger)?;
            }
            Done::Idle { account, ticket, judged_by } => {
                let current = writing.rule_set(account)?.version;
                chunk_run::finish_idle(writing.tx, ticket, judged_by, current)?;
            }
            Done::NotRecorded(ticket) => writing.tx.finish_ticket(ticket)?,
        }
        if begun.elapsed() >= COMMIT {
            break;
        }
    }
    ledger.write(writing.tx, writing.now)?;
    Ok(done)
}

fn report(error: &Error) {
    tracing::error!(error.cause = error.cause(), "background work failed: {}", error.message());
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use ruleward_store::sqlite::SqliteStore;
    use ruleward_types::{Recorder, ResourceType, SystemClock};

    use super::*;
    use crate::{Options, SealingKey};

    #[test]
    fn who_looks_while_another_one_claims_finds_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&directory.path().join("store.sqlite")).unwrap();
        let (clock, key) = (Arc::new(SystemClock), SealingKey::new([1; 32]));
        let service = Service::open(store, clock, &key, Options::default()).unwrap();
        let account = service.create_account("acme", None, Recorder::ON).unwrap().no;
        let tickets = service.write(move |writing| {
            let of = ResourceType::new("ecs", "cloudservers");
            let type_no = writing.tx.ensure_type(account, &of)?;
            for _ in 0..2 * BATCH {
                writing.enqueue(writing.tx.insert_chunk(account, type_no, true)?.no)?;
            }
            Ok(())
        });
        tickets.unwrap();
        for _ in 0..200 {
            let start = Barrier::new(2);
            let claim = || {
                start.wait();
                service.claim().unwrap().len()
            };
            let claimed = std::thread::scope(|scope| {
                let [one, other] = [scope.spawn(claim), scope.spawn(claim)];
                [one.join().unwrap(), other.join().unwrap()]
            });
            assert_eq!(claimed, [BATCH; 2]);
            assert!(service.claim().unwrap().is_empty());
            service.signal.state.lock().claimed.clear();
        }
    }
}
