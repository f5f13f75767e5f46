//! Which functions there are: configured by the operator, or, where the server allows it, by an
//! account's administrators for their account.

use std::collections::BTreeMap;
use std::sync::Arc;

use ruleward_types::ids::random_hex;
use ruleward_types::{
    AccountNo, AssignmentKind, AssignmentState, Error, ErrorCode, Function, FunctionCounts,
    FunctionNo, FunctionRunner, PolicyAssignment, Result, RunTrigger, limits,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::resolve::{functions_of, resolve};
use super::{CallRecord, jobs};
use crate::Service;
use crate::access::Access;
use crate::evaluation::runs;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::service::Writing;

/// Longest time that a call may take, in seconds.
const TIMEOUT_S: u32 = 900;
const MEMORY_MIB: std::ops::RangeInclusive<u32> = 16..=16_384;
const CONCURRENCY: std::ops::RangeInclusive<u32> = 1..=64;
const USER_DATA_BYTES: usize = 16 * 1024;

/// A function to be configured.
#[derive(Debug)]
pub struct FunctionDraft {
    /// The URN, or a pattern with `*`.
    pub urn: String,
    /// How it is run.
    pub runner: FunctionRunner,
    /// How long one call may take, in seconds.
    pub timeout_s: u32,
    /// Memory of a local process, in MiB.
    pub memory_mib: u32,
    /// Calls at the same time.
    pub concurrency: Option<u32>,
    /// What `getUserData` answers.
    pub user_data: BTreeMap<String, String>,
    /// The secret that signs requests to an endpoint.
    pub secret: Option<SecretString>,
}

/// A function as its managers see it.
#[derive(Debug, Clone)]
pub struct ManagedFunction {
    /// It.
    pub function: Function,
    /// The account that it serves; none for all.
    pub domain_id: Option<String>,
    /// What became of its calls.
    pub counts: FunctionCounts,
}

impl Service {
    /// Configures a function. Rules that named its URN already are evaluated by it at once.
    pub fn create_function(
        self: &Arc<Self>,
        access: &Access,
        draft: FunctionDraft,
    ) -> Result<ManagedFunction> {
        let account = self.manages_functions(access)?;
        check(&draft)?;
        let now = self.tick();
        let mut function = Function {
            no: FunctionNo(0),
            id: random_hex(16)?,
            account,
            urn: draft.urn,
            runner: draft.runner,
            timeout_s: draft.timeout_s,
            memory_mib: draft.memory_mib,
            concurrency: draft.concurrency,
            user_data: draft.user_data,
            created: now,
            updated: now,
        };
        if let Some(host) = self.host() {
            host.check(&function)?;
        }
        let sealed = draft
            .secret
            .map(|secret| self.sealer.seal(&function.id, secret.expose_secret().as_bytes()))
            .transpose()?;
        let made = self.write(move |writing| {
            let before = serving(writing, account)?;
            writing.tx.insert_function(&mut function, sealed.as_deref())?;
            reassign(writing, &before)?;
            managed(writing.tx, function)
        })?;
        self.signal.wake();
        Ok(made)
    }

    /// Removes a function. Calls that wait for it end, and its rules say that nobody runs them.
    pub fn delete_function(self: &Arc<Self>, access: &Access, id: &str) -> Result<()> {
        let account = self.manages_functions(access)?;
        let function = self.function(access, id)?.function;
        if account.is_some() && function.account != account {
            return Err(Error::with(
                ErrorCode::AccessDenied,
                "Access denied: the function serves all accounts; the operator manages it.",
            ));
        }
        let no = function.no;
        self.write(move |writing| {
            let before = serving(writing, account)?;
            writing.tx.delete_function(no)?;
            reassign(writing, &before)
        })?;
        self.functions.records.lock().remove(&no);
        if let Some(host) = self.host() {
            host.forget(&function);
        }
        self.signal.wake();
        Ok(())
    }

    /// The functions, oldest first: all for the operator, those that serve it for an account.
    pub fn functions(&self, access: &Access, page: Page) -> Result<Paged<ManagedFunction>> {
        let of = (!access.is_operator()).then_some(access.account());
        let after = FunctionNo(page.after.map_or(0, |Cursor(no, _)| no));
        let mut found = Collector::new(page);
        self.read(|tx| {
            for function in tx.functions(of, after, page.limit.saturating_add(1))? {
                let at = Cursor(function.no.0, 0);
                found.push(at, managed(tx, function)?);
            }
            Ok(())
        })?;
        Ok(found.finish())
    }

    /// The function of that id.
    pub fn function(&self, access: &Access, id: &str) -> Result<ManagedFunction> {
        self.read(|tx| {
            let found = tx.function_by_id(id)?.filter(|of| {
                access.is_operator() || of.account.is_none_or(|owner| owner == access.account())
            });
            let function = found
                .ok_or_else(|| Error::with(ErrorCode::NotFound, "No function has this id."))?;
            managed(tx, function)
        })
    }

    /// The last calls of a function, newest first. Those of other accounts are the operator's to see.
    pub fn function_records(&self, access: &Access, id: &str) -> Result<Vec<CallRecord>> {
        let function = self.function(access, id)?.function;
        let records = self.functions.records.lock();
        let visible =
            |record: &&CallRecord| access.is_operator() || record.domain_id == access.domain_id();
        Ok(records.get(&function.no).into_iter().flatten().rev().filter(visible).cloned().collect())
    }

    /// Whose functions the caller may manage: all (none), or those of its account.
    pub(super) fn manages_functions(&self, access: &Access) -> Result<Option<AccountNo>> {
        if access.is_operator() {
            return Ok(None);
        }
        if self.options.functions.administrators {
            return Ok(Some(access.account()));
        }
        Err(Error::with(
            ErrorCode::AccessDenied,
            "Access denied: functions run on the server's machine, so the operator manages them; \
             `administrators = true` under [functions] lets administrators do it for their account.",
        ))
    }
}

fn managed(
    tx: &(impl ruleward_store::ReadTx + ?Sized),
    function: Function,
) -> Result<ManagedFunction> {
    let domain_id = match function.account {
        Some(no) => tx.account(no)?.map(|account| account.domain_id),
        None => None,
    };
    Ok(ManagedFunction { domain_id, counts: tx.function_counts(function.no)?, function })
}

/// The custom rules of the accounts that a function may serve, each with the function that serves it.
type Serving = Vec<(AccountNo, Arc<PolicyAssignment>, Option<FunctionNo>)>;

fn serving(writing: &Writing<'_>, account: Option<AccountNo>) -> Result<Serving> {
    let accounts = match account {
        Some(no) => vec![no],
        None => writing.tx.accounts()?.into_iter().map(|account| account.no).collect(),
    };
    let mut serving = Vec::new();
    for no in accounts {
        let rules = writing.tx.rules(no)?;
        if rules.iter().all(|rule| rule.kind != AssignmentKind::Custom) {
            continue;
        }
        let functions = functions_of(writing.tx, no)?;
        for rule in rules {
            let Some(custom) = &rule.custom_policy else { continue };
            let function = resolve(&functions, no, &custom.function_urn).map(|of| of.no);
            serving.push((no, rule, function));
        }
    }
    Ok(serving)
}

/// Has the rules evaluated that another function serves now; those that none serves any more are
/// asked about no longer.
fn reassign(writing: &Writing<'_>, before: &Serving) -> Result<()> {
    let tx = writing.tx;
    let mut functions: Option<(AccountNo, Vec<Function>)> = None;
    let mut moved: Option<AccountNo> = None;
    for (no, rule, before) in before {
        let known = match functions.take() {
            Some((of, known)) if of == *no => known,
            _ => functions_of(tx, *no)?,
        };
        let urn = rule.custom_policy.as_ref().map_or("", |custom| &custom.function_urn);
        let now = resolve(&known, *no, urn).map(|of| of.no);
        functions = Some((*no, known));
        if now == *before {
            continue;
        }
        if moved != Some(*no) {
            moved = Some(*no);
            tx.bump_rules_version(*no)?;
        }
        let recorder = tx.account(*no)?.is_some_and(|account| account.recorder.enabled);
        if !rule.judges() || !recorder {
            continue;
        }
        if now.is_none() {
            let mut rule = PolicyAssignment::clone(rule);
            runs::cancel(tx, &mut rule, writing.now)?;
            rule.state = AssignmentState::Enabled;
            tx.update_rule(&rule)?;
            jobs::drop_rule(tx, &rule)?;
            continue;
        }
        let compiled = writing.compiled(*no, PolicyAssignment::clone(rule))?;
        runs::start(writing, *no, &compiled, RunTrigger::Updated)?;
    }
    Ok(())
}

fn check(draft: &FunctionDraft) -> Result<()> {
    let illegal = |words: String| Err(Error::with(ErrorCode::FunctionIllegal, words));
    let length = draft.urn.chars().count();
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    if length == 0 || length > limits::FUNCTION_URN_CHARS || !draft.urn.chars().all(is_plain) {
        return illegal(format!(
            "A URN has 1 to {} characters, none of them blank.",
            limits::FUNCTION_URN_CHARS
        ));
    }
    if draft.timeout_s == 0 || draft.timeout_s > TIMEOUT_S {
        return illegal(format!("timeout_seconds is a number from 1 to {TIMEOUT_S}."));
    }
    if !MEMORY_MIB.contains(&draft.memory_mib) {
        let (least, most) = (MEMORY_MIB.start(), MEMORY_MIB.end());
        return illegal(format!("memory_mib is a number from {least} to {most}."));
    }
    if draft.concurrency.is_some_and(|n| !CONCURRENCY.contains(&n)) {
        let (least, most) = (CONCURRENCY.start(), CONCURRENCY.end());
        return illegal(format!("concurrency is a number from {least} to {most}."));
    }
    let size: usize = draft.user_data.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > USER_DATA_BYTES {
        return illegal(format!("user_data has at most {USER_DATA_BYTES} bytes."));
    }
    let is_absolute = |file: &str| file.starts_with('/');
    match &draft.runner {
        FunctionRunner::Python { file, handler, .. } => {
            if !is_absolute(file) {
                return illegal("file is an absolute path on the server's machine.".to_owned());
            }
            if handler.is_empty() {
                return illegal("handler is the name of a function in the file.".to_owned());
            }
        }
        FunctionRunner::Wasm { file } => {
            if !is_absolute(file) {
                return illegal("file is an absolute path on the server's machine.".to_owned());
            }
        }
        FunctionRunner::Webhook { endpoint } | FunctionRunner::Remote { endpoint, .. } => {
            if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
                return illegal("endpoint is a URL of http or https.".to_owned());
            }
        }
    }
    let signs =
        matches!(draft.runner, FunctionRunner::Remote { .. } | FunctionRunner::Webhook { .. });
    if signs && draft.secret.as_ref().is_none_or(|secret| secret.expose_secret().is_empty()) {
        return illegal("secret is needed: it signs the requests to the endpoint.".to_owned());
    }
    Ok(())
}
