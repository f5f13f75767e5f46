//! The resource recorder: what an account configured of it, and what follows for its rules.

use std::sync::Arc;

use ruleward_store::Chunk;
use ruleward_types::{
    AccountNo, AssignmentKind, AssignmentState, Error, ErrorCode, PolicyAssignment, Recorder,
    ResourceKey, ResourceType, Result, RunTrigger, Selection, TrackerConfig,
};

use crate::Service;
use crate::access::Access;
use crate::archives;
use crate::causes::CauseKind;
use crate::evaluation::catch_up;
use crate::evaluation::chunk_edit::{ChunkEdit, counted, edit_chunks};
use crate::evaluation::runs;
use crate::functions::jobs;
use crate::service::Writing;

impl Service {
    /// What the account configured; 404 while its recorder is off.
    pub fn tracker_config(&self, access: &Access) -> Result<TrackerConfig> {
        self.read(|tx| tx.tracker_config(access.account()))?.ok_or_else(none)
    }

    /// Turns the recorder on, or changes what it covers and whom it tells.
    pub fn put_tracker_config(
        self: &Arc<Self>,
        access: &Access,
        config: TrackerConfig,
    ) -> Result<()> {
        self.check_channel(access, &config)?;
        let (account, quota) = (access.account(), self.options.recorder_changes_per_day);
        self.write_by(access, CauseKind::Recorder, move |writing| {
            let stored = writing.tx.tracker_config(account)?;
            if stored.as_ref() == Some(&config) {
                return Ok(());
            }
            let day = writing.now.day();
            let made = writing.tx.tracker_config_changes(account, day)?;
            if quota.is_some_and(|quota| made >= quota) {
                return Err(Error::with(
                    ErrorCode::QuotaExceeded,
                    "The recorder was changed as often today as is allowed; try again tomorrow \
                     (UTC).",
                ));
            }
            writing.tx.count_tracker_config_change(account, day)?;
            change(writing, account, Some(&config))
        })?;
        self.signal.wake();
        Ok(())
    }

    /// Refuses names of channels that nothing stands behind, and a bucket that cannot be written: an
    /// empty file is written into it, as the service does.
    fn check_channel(&self, access: &Access, config: &TrackerConfig) -> Result<()> {
        let unknown = |what: &str, name: &str| {
            Err(Error::with(
                ErrorCode::ChannelUnknown,
                format!(
                    "The configuration of this service has no {what} `{name}` for the account."
                ),
            ))
        };
        let (account, stored) = self
            .read(|tx| Ok((tx.account(access.account())?, tx.tracker_config(access.account())?)))?;
        let account = account.ok_or_else(none)?;
        if stored.is_some_and(|stored| stored.channel == config.channel) {
            return Ok(());
        }
        if let Some(smn) = &config.channel.smn
            && self.options.channels.topic(&account, &smn.topic_urn).is_none()
        {
            return unknown("topic", &smn.topic_urn);
        }
        let Some(obs) = &config.channel.obs else { return Ok(()) };
        let Some(bucket) = self.options.channels.bucket(&account, &obs.bucket_name) else {
            return unknown("bucket", &obs.bucket_name);
        };
        let probe = archives::probe_key(obs);
        bucket.put(&probe, Vec::new()).map_err(|words| {
            let name = &obs.bucket_name;
            Error::with(
                ErrorCode::BucketNotWritable,
                format!("{probe} cannot be written into the bucket `{name}`: {words}."),
            )
        })
    }

    /// Turns the recorder off. Runs end, the last states stay.
    pub fn delete_tracker_config(self: &Arc<Self>, access: &Access) -> Result<()> {
        let account = access.account();
        self.write_by(access, CauseKind::Recorder, move |writing| {
            if writing.tx.tracker_config(account)?.is_none() {
                return Err(none());
            }
            change(writing, account, None)
        })?;
        self.signal.wake();
        Ok(())
    }

    /// Turns the recorder of an account on or off, or changes what it covers: the operator's side.
    /// Where the account told of channels, these stay.
    pub fn set_recorder(self: &Arc<Self>, domain_id: &str, recorder: Recorder) -> Result<()> {
        let account = self.account(domain_id)?;
        let access = Access::operator(&account);
        let account = account.no;
        self.write_by(&access, CauseKind::Recorder, move |writing| {
            let stored = writing.tx.tracker_config(account)?;
            let config = recorder.enabled.then(|| {
                let selection = recorder.selection;
                match stored.clone() {
                    Some(config) => TrackerConfig { selection, ..config },
                    None => TrackerConfig::of_operator(selection),
                }
            });
            if config == stored {
                return Ok(());
            }
            change(writing, account, config.as_ref())
        })?;
        self.signal.wake();
        Ok(())
    }
}

fn none() -> Error {
    Error::with(ErrorCode::NotFound, "The account has no resource recorder.")
}

/// Stores what an account configured, and judges what is to be judged otherwise.
fn change(writing: &Writing<'_>, account: AccountNo, config: Option<&TrackerConfig>) -> Result<()> {
    let before = recorder(writing, account)?;
    match config {
        Some(config) => writing.tx.put_tracker_config(account, config)?,
        None => writing.tx.delete_tracker_config(account)?,
    }
    archives::plan(writing, account, config)?;
    writing.tx.bump_rules_version(account)?;
    let now = recorder(writing, account)?;
    if now.enabled {
        forget_unrecorded(writing, account, &now.selection)?;
        catch_up::wake(writing, account)?;
    }
    match (before.enabled, now.enabled) {
        (false, true) => {
            writing.tx.retry_deployments(account)?;
            resume_rules(writing, account)
        }
        (true, false) => suspend_rules(writing, account),
        (true, true) if before.selection != now.selection => {
            reselect(writing, account, &before.selection, &now.selection)
        }
        _ => Ok(()),
    }
}

fn recorder(writing: &Writing<'_>, account: AccountNo) -> Result<Recorder> {
    Ok(writing.tx.account(account)?.map(|account| account.recorder).unwrap_or_default())
}

/// Turned off: runs end, the last states stay.
fn suspend_rules(writing: &Writing<'_>, account: AccountNo) -> Result<()> {
    for rule in writing.tx.rules(account)? {
        jobs::drop_rule(writing.tx, &rule)?;
        if rule.run.is_some() {
            let mut rule = Arc::unwrap_or_clone(rule);
            runs::cancel(writing.tx, &mut rule, writing.now)?;
            rule.state = AssignmentState::Enabled;
            writing.tx.update_rule(&rule)?;
        }
    }
    Ok(())
}

/// Turned on: every rule judges everything anew, for nothing was judged while it was off.
fn resume_rules(writing: &Writing<'_>, account: AccountNo) -> Result<()> {
    for rule in writing.tx.rules(account)?.into_iter().filter(|rule| rule.judges()) {
        let mut rule = Arc::unwrap_or_clone(rule);
        rule.mark = rule.mark.wrapping_add(1);
        let compiled = writing.compiled(account, rule)?;
        runs::start(writing, account, &compiled, RunTrigger::Enabled)?;
    }
    Ok(())
}

/// Resources of types that are not recorded leave the scope of every rule, those of disabled ones
/// included.
fn forget_unrecorded(
    writing: &Writing<'_>,
    account: AccountNo,
    recorded: &Selection,
) -> Result<()> {
    if *recorded == Selection::All {
        return Ok(());
    }
    let tx = writing.tx;
    let unrecorded: Vec<_> = tx
        .types(account)?
        .into_iter()
        .filter(|row| !recorded.selects(&row.resource_type))
        .map(|row| row.no)
        .collect();
    let set = writing.rule_set(account)?;
    let leaves = |chunk: &Chunk, _: &_| unrecorded.contains(&chunk.type_no);
    edit_chunks(writing, account, leaves, counted(&set), counted(&set), |edit| {
        for of in set.rules() {
            if of.rule.kind == AssignmentKind::Custom {
                forget_results(writing, edit, of.no)?;
            }
            edit.planes.drop_rule(of.no);
        }
        Ok(())
    })
}

fn forget_results(writing: &Writing<'_>, edit: &ChunkEdit, rule: u32) -> Result<()> {
    let Some(of) = edit.planes.rule(rule) else { return Ok(()) };
    for slot in of.scope.iter_from(0) {
        let key = ResourceKey::new(edit.chunk.no, slot);
        writing.tx.delete_reported_results(key, Some(ruleward_types::RuleNo(rule.into())))?;
    }
    Ok(())
}

/// Another selection while it is on: rules judge what has come into their scope. Rules that look up a
/// type that came or went judge everything anew.
fn reselect(
    writing: &Writing<'_>,
    account: AccountNo,
    before: &Selection,
    now: &Selection,
) -> Result<()> {
    let changes = |of: &ResourceType| before.selects(of) != now.selects(of);
    let types = writing.tx.types(account)?;
    let moved: Vec<_> = types.iter().filter(|row| changes(&row.resource_type)).collect();
    for rule in writing.tx.rules(account)?.into_iter().filter(|rule| rule.judges()) {
        let mut compiled = writing.compiled(account, Arc::unwrap_or_clone(rule))?;
        let looks_up = compiled.program.as_ref().is_some_and(|program| {
            let mut names = program.looks_up().iter();
            names.any(|name| ResourceType::parse(name).is_some_and(|of| changes(&of)))
        });
        if looks_up {
            let mut rule = PolicyAssignment::clone(&compiled.rule);
            rule.mark = rule.mark.wrapping_add(1);
            compiled = writing.compiled(account, rule)?;
        }
        if looks_up || moved.iter().any(|row| compiled.scope.asks_for_type(&row.resource_type)) {
            // Chunks that are at the rule's mark have verdicts that still hold.
            runs::start(writing, account, &compiled, RunTrigger::Updated)?;
        }
    }
    Ok(())
}
