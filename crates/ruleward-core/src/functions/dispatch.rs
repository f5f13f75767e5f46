//! Taking jobs: what is due, in turn over accounts and, in each, over rules, within the limits.
//!
//! A function that is slow or fails has as many calls as it may have at the same time and no more,
//! whatever waits for it; the others have their turns all the same.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ruleward_store::ReadTx;
use ruleward_types::ids::hex;
use ruleward_types::{
    AccountNo, AssignmentKind, Function, FunctionCounts, FunctionJob, FunctionJobState, FunctionNo,
    PolicyAssignment, Result, RuleNo, TriggerType,
};
use secrecy::SecretString;

use super::host::{CallDone, FunctionCall};
use super::resolve::{functions_of, resolve, versioned};
use super::{FunctionHost, jobs};
use crate::Service;
use crate::evaluation::scope::Scope;
use crate::evaluation::view;
use crate::events::{self, EventSubject};
use crate::policy_states::type_of;

/// Calls that are started by one look at the queue.
const BATCH: usize = 16;
/// Credentials outlive the deadline of their call by this, in seconds.
const GRACE_S: i64 = 60;

/// What this process has called, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    total: usize,
    by_function: HashMap<FunctionNo, usize>,
    by_account: HashMap<AccountNo, usize>,
    /// The account that was served last.
    after_account: Option<AccountNo>,
    /// The rule of each account that was served last.
    after_rule: HashMap<AccountNo, RuleNo>,
    /// Whether jobs that count as running may have nobody who waits for them.
    pub(super) has_orphans: bool,
}

impl Flight {
    fn add(&mut self, account: AccountNo, function: FunctionNo) {
        self.total += 1;
        *self.by_function.entry(function).or_default() += 1;
        *self.by_account.entry(account).or_default() += 1;
    }

    pub(super) fn remove(&mut self, account: AccountNo, function: FunctionNo) {
        self.total = self.total.saturating_sub(1);
        lower(&mut self.by_function, function);
        lower(&mut self.by_account, account);
    }
}

fn lower<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let std::collections::hash_map::Entry::Occupied(mut entry) = counts.entry(key) {
        *entry.get_mut() = entry.get().saturating_sub(1);
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

/// A job that was found on a snapshot, with all that its call needs.
pub(super) struct Found {
    pub(super) job: FunctionJob,
    pub(super) rule: PolicyAssignment,
    pub(super) function: Function,
    /// None: there is nothing to ask any more.
    ready: Option<Ready>,
}

struct Ready {
    domain_id: String,
    event: serde_json::Value,
    sealed_secret: Option<Vec<u8>>,
}

/// A rule of an account with jobs that are due.
struct Queue {
    rule: PolicyAssignment,
    function: Function,
    jobs: VecDeque<FunctionJob>,
}

impl Service {
    /// Whoever runs functions; set once, before the start.
    pub fn set_function_host(&self, host: Arc<dyn FunctionHost>) {
        let _ = self.functions.host.set(host);
    }

    pub(crate) fn has_function_host(&self) -> bool {
        self.functions.host.get().is_some()
    }

    pub(super) fn host(&self) -> Option<&Arc<dyn FunctionHost>> {
        self.functions.host.get()
    }

    /// The thread that takes jobs.
    pub(crate) fn call_functions(self: &Arc<Self>) {
        let mut after = RuleNo(0);
        let _ = self.release_orphans(true).inspect_err(report);
        loop {
            let woken = self.signal.woken();
            let expanded = self.expand(after).inspect_err(report).unwrap_or(None);
            after = expanded.unwrap_or(RuleNo(0));
            let started = self.call_due().inspect_err(report).unwrap_or(0);
            if self.signal.is_stopping() {
                return;
            }
            if started == 0 && expanded.is_none() && !self.signal.wait_for_work(woken) {
                return;
            }
        }
    }

    /// Makes jobs and starts calls until there is nothing to do now: for tests, and for hosts that
    /// have the outcome at once.
    pub fn work_off_calls(self: &Arc<Self>) -> Result<()> {
        self.release_orphans(false)?;
        while self.expand(RuleNo(0))?.is_some() || self.call_due()? > 0 {}
        Ok(())
    }

    /// Starts calls that are due; how many.
    fn call_due(self: &Arc<Self>) -> Result<usize> {
        let Some(host) = self.host().cloned() else { return Ok(0) };
        self.release_orphans(false)?;
        self.end_overdue()?;
        let found = self.read(|tx| self.find_due(tx))?;
        if found.is_empty() {
            return Ok(0);
        }
        let taken = self.take(found)?;
        let count = taken.len();
        for one in taken {
            self.start_call(&host, one)?;
        }
        Ok(count)
    }

    /// Jobs whose call got lost wait again: those of a process that was killed, or of a host that
    /// could not be told.
    fn release_orphans(self: &Arc<Self>, at_start: bool) -> Result<()> {
        {
            let mut flight = self.functions.flight.lock();
            // Those in flight count as running, too; wait for a quiet moment.
            if !at_start && (!flight.has_orphans || flight.total > 0) {
                return Ok(());
            }
            flight.has_orphans = false;
        }
        let released = self.write(|writing| writing.tx.release_function_jobs())?;
        if released > 0 {
            tracing::info!(jobs.released = released, "calls of functions are repeated");
        }
        Ok(())
    }

    fn find_due(&self, tx: &dyn ReadTx) -> Result<Vec<Found>> {
        let options = self.options.functions;
        let mut flight = self.functions.flight.lock();
        let mut room = options.concurrent_calls.saturating_sub(flight.total).min(BATCH);
        let mut found = Vec::new();
        let first = flight.after_account.unwrap_or(AccountNo(0));
        let (mut after, mut wrapped) = (first, false);
        while room > 0 {
            let Some(no) = tx.next_account_with_function_jobs(after)? else {
                if wrapped || first.0 == 0 {
                    break;
                }
                (after, wrapped) = (AccountNo(0), true);
                continue;
            };
            if wrapped && no > first {
                break;
            }
            after = no;
            let of_account = flight.by_account.get(&no).copied().unwrap_or(0);
            let share = options.concurrent_calls_per_account.saturating_sub(of_account).min(room);
            // Not all room for the account whose turn it is: others may wait behind it.
            let share = share.min(BATCH.div_ceil(4).max(1));
            if share == 0 {
                continue;
            }
            let of = self.find_in_account(tx, no, share, &mut flight)?;
            if !of.is_empty() {
                room -= of.len().min(room);
                flight.after_account = Some(no);
                found.extend(of);
            }
        }
        Ok(found)
    }

    fn find_in_account(
        &self,
        tx: &dyn ReadTx,
        no: AccountNo,
        share: usize,
        flight: &mut Flight,
    ) -> Result<Vec<Found>> {
        let Some(account) = tx.account(no)? else { return Ok(Vec::new()) };
        let functions = functions_of(tx, no)?;
        // What was due from its commit on is due now, also where the clock stands still.
        let now = self.tick();
        let first = flight.after_rule.get(&no).copied().unwrap_or(RuleNo(0));
        let (mut after, mut wrapped) = (first, false);
        let mut queues: VecDeque<Queue> = VecDeque::new();
        let mut left = flight.by_function.clone();
        let room_of = |left: &HashMap<FunctionNo, usize>, function: &Function| {
            let configured = self.options.functions.concurrent_calls_per_function;
            let most = function.concurrency.map_or(configured, |n| usize::try_from(n).unwrap_or(1));
            most.max(1).saturating_sub(left.get(&function.no).copied().unwrap_or(0))
        };
        while queues.len() < share {
            let Some(next) = tx.next_rule_with_function_jobs(no, after)? else {
                if wrapped || first.0 == 0 {
                    break;
                }
                (after, wrapped) = (RuleNo(0), true);
                continue;
            };
            if wrapped && next > first {
                break;
            }
            after = next;
            let Some((_, rule)) = tx.rule(next)? else { continue };
            let urn = rule.custom_policy.as_ref().map_or("", |custom| &custom.function_urn);
            let Some(function) = resolve(&functions, no, urn) else { continue };
            let room = room_of(&left, function).min(share);
            if room == 0 {
                continue;
            }
            let jobs: VecDeque<_> = tx.due_function_jobs(no, next, now, room)?.into();
            if !jobs.is_empty() {
                queues.push_back(Queue { rule, function: function.clone(), jobs });
            }
        }
        // One of each rule in turn.
        let mut found = Vec::new();
        while found.len() < share
            && let Some(mut queue) = queues.pop_front()
        {
            if room_of(&left, &queue.function) == 0 {
                continue;
            }
            let Some(job) = queue.jobs.pop_front() else { continue };
            flight.after_rule.insert(no, queue.rule.no);
            let ready = if queue.rule.kind == AssignmentKind::Custom
                && queue.rule.judges()
                && account.recorder.enabled
            {
                self.ready_call(tx, &account, &queue.rule, &queue.function, &job)?
            } else {
                None
            };
            *left.entry(queue.function.no).or_default() += usize::from(ready.is_some());
            let (rule, function) = (queue.rule.clone(), queue.function.clone());
            found.push(Found { job, rule, function, ready });
            queues.push_back(queue);
        }
        Ok(found)
    }

    fn ready_call(
        &self,
        tx: &dyn ReadTx,
        account: &ruleward_types::Account,
        rule: &PolicyAssignment,
        function: &Function,
        job: &FunctionJob,
    ) -> Result<Option<Ready>> {
        let (subject, entity) = match rule.trigger {
            TriggerType::Period => {
                (EventSubject::Account, crate::account_resource::entity(account))
            }
            TriggerType::Resource => {
                let Some(stored) = tx.resource(job.key)? else { return Ok(None) };
                let scope = Scope::new(rule, None, &account.recorder.selection);
                let covered = type_of(tx, job.key.chunk())?
                    .is_some_and(|of_type| scope.covers_type(&of_type));
                if !covered || !scope.matches(&view::read(&stored.body)) {
                    return Ok(None);
                }
                let entity = events::parsed(&stored.body)?;
                (EventSubject::Resource { key: job.key, version: stored.version }, entity)
            }
        };
        Ok(Some(Ready {
            domain_id: account.domain_id.clone(),
            event: self.event(&account.domain_id, rule, job.time, &subject, &entity),
            sealed_secret: tx.function_secret(function.no)?,
        }))
    }

    /// Marks what was found as running, in one transaction; what moved meanwhile is left.
    fn take(self: &Arc<Self>, found: Vec<Found>) -> Result<Vec<Found>> {
        self.write(move |writing| {
            let mut taken = Vec::with_capacity(found.len());
            for one in found {
                let Some(mut job) = writing.tx.function_job(one.job.no)? else { continue };
                if job != one.job {
                    continue;
                }
                if one.ready.is_none() {
                    jobs::end(writing.tx, &job, 0, writing.now)?;
                    continue;
                }
                job.state = FunctionJobState::Running;
                job.attempts += 1;
                writing.tx.update_function_job(&job)?;
                let repeated = i64::from(job.attempts > 1);
                let counts = FunctionCounts { calls: 1, repeated, ..FunctionCounts::default() };
                writing.tx.add_function_counts(one.function.no, counts)?;
                taken.push(Found { job, ..one });
            }
            Ok(taken)
        })
    }

    fn start_call(self: &Arc<Self>, host: &Arc<dyn FunctionHost>, one: Found) -> Result<()> {
        let Found { job, rule, function, ready: Some(ready) } = one else { return Ok(()) };
        let now = self.clock().now();
        let timeout_s = i64::from(function.timeout_s);
        let credentials = self.functions.credentials.issue(
            job.account,
            now,
            now.plus_seconds(timeout_s + GRACE_S),
        )?;
        let secret = ready
            .sealed_secret
            .map(|sealed| self.open_function_secret(&function.id, &sealed))
            .transpose()?;
        self.functions.flight.lock().add(job.account, function.no);
        super::count(&self.functions.counters.calls);
        if job.attempts > 1 {
            self.functions.counters.repeated.fetch_add(1, Ordering::Relaxed);
        }
        // The same for every call for one event, so that an endpoint can tell a repeated one.
        let hash = ready.event.get("evaluation_hash").and_then(serde_json::Value::as_str);
        let digest = crate::hashing::sha256(hash.unwrap_or_default().as_bytes());
        let request_id = hex(digest.first_chunk::<16>().map_or(&[], |half| half.as_slice()));
        let call = FunctionCall {
            request_id: request_id.clone(),
            secret,
            function_urn: versioned(
                rule.custom_policy.as_ref().map_or("", |custom| &custom.function_urn),
            ),
            event: ready.event.clone(),
            domain_id: ready.domain_id.clone(),
            deadline: Duration::from_secs(u64::from(function.timeout_s)),
            credentials: credentials.clone(),
            function: function.clone(),
        };
        let service = Arc::clone(self);
        let ended = super::outcome::Ended {
            job,
            trigger: rule.trigger,
            function,
            event: ready.event,
            domain_id: ready.domain_id,
            access_key: credentials.access_key,
            request_id,
        };
        host.start(call, CallDone::new(move |outcome| service.ended(&ended, outcome)));
        Ok(())
    }

    pub(super) fn open_function_secret(&self, id: &str, sealed: &[u8]) -> Result<SecretString> {
        let bytes = self.sealer.open(id, sealed)?;
        String::from_utf8(bytes)
            .map(SecretString::from)
            .map_err(|_| ruleward_types::Error::internal("open a secret", "it is no text"))
    }
}

pub(super) fn report(error: &ruleward_types::Error) {
    tracing::error!(error.cause = error.cause(), "calling functions failed: {}", error.message());
}
