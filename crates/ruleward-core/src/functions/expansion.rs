//! A run of a custom rule makes its jobs a portion at a time: a million resources are no transaction.

use std::ops::ControlFlow;
use std::sync::Arc;

use ruleward_store::FunctionExpansion;
use ruleward_types::{ChunkNo, ResourceKey, Result, RuleNo};

use super::jobs;
use super::resolve::function_of;
use crate::Service;
use crate::evaluation::each_chunk::each_chunk;
use crate::evaluation::runs;
use crate::evaluation::scope::Scope;
use crate::evaluation::view;
use crate::service::Writing;

/// Resources that one transaction looks at.
const PORTION: usize = 256;

impl Service {
    /// Makes a portion of the jobs of one run, the rules in turn; the rule that had its turn.
    pub(super) fn expand(self: &Arc<Self>, after: RuleNo) -> Result<Option<RuleNo>> {
        let next = |tx: &dyn ruleward_store::ReadTx, after| tx.next_function_expansion(after);
        let found = self.read(|tx| match next(tx, after)? {
            None if after.0 > 0 => next(tx, RuleNo(0)),
            found => Ok(found),
        })?;
        let Some(found) = found else { return Ok(None) };
        self.write(move |writing| {
            // Another run of the rule may have begun since.
            match writing.tx.next_function_expansion(RuleNo(found.rule.0 - 1))? {
                Some(now) if now == found => portion(writing, now),
                _ => Ok(()),
            }
        })?;
        Ok(Some(found.rule))
    }
}

fn portion(writing: &Writing<'_>, mut expansion: FunctionExpansion) -> Result<()> {
    let tx = writing.tx;
    let FunctionExpansion { rule: no, account, run, after, started } = expansion;
    let rule = match tx.rule(no)? {
        Some((_, rule)) if rule.run == Some(run) && rule.judges() => rule,
        _ => return tx.delete_function_expansion(no),
    };
    if function_of(tx, account, &rule)?.is_none() {
        tx.delete_function_expansion(no)?;
        return runs::made_calls(tx, no, 0, true, writing.now);
    }
    let recorder = tx.account(account)?.map(|account| account.recorder).unwrap_or_default();
    let scope = Scope::new(&rule, None, &recorder.selection);
    let (mut seen, mut made) = (0, Vec::new());
    let from = if after.0 < 0 { ResourceKey(0) } else { ResourceKey(after.0 + 1) };
    let past = Some(ChunkNo(from.chunk().0 - 1));
    let mut is_last = true;
    each_chunk(tx, account, None, past, |chunk| {
        let covered =
            tx.resource_type(chunk.type_no)?.is_some_and(|of_type| scope.covers_type(&of_type));
        let first = if chunk.no == from.chunk() { from.slot() } else { 0 };
        if !covered || !chunk.recorded || first >= chunk.used {
            return Ok(ControlFlow::Continue(()));
        }
        for slot in first..chunk.used {
            if seen >= PORTION {
                is_last = false;
                return Ok(ControlFlow::Break(()));
            }
            seen += 1;
            let key = ResourceKey::new(chunk.no, slot);
            expansion.after = key;
            let Some(stored) = tx.resource(key)? else { continue };
            // A resource that changed since has been asked about then.
            if stored.version <= started.0 && scope.matches(&view::read(&stored.body)) {
                made.push((key, stored.version));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let calls = i64::try_from(made.len()).unwrap_or(i64::MAX);
    for subject in made {
        jobs::ask(tx, account, no, subject, Some(run), writing.now)?;
    }
    if is_last {
        tx.delete_function_expansion(no)?;
    } else {
        tx.put_function_expansion(&expansion)?;
    }
    runs::made_calls(tx, no, calls, is_last, writing.now)
}
