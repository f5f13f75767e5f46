//! Verdicts that began or ended to be non-compliant. A job that flips verdicts notes which, in three
//! bytes each; the messages are written soon after, a few hundred at a time: a run over a large
//! inventory may flip very many at once.

use std::sync::Arc;

use ruleward_store::{Chunk, Flip, ReadTx};
use ruleward_types::{ResourceKey, Result, RuleNo};

use super::Addressee;
use super::messages::{StateChanged, state_changed};
use super::subject;
use crate::Service;
use crate::account_resource;
use crate::evaluation::planes::{Planes, RulePlanes, Verdict};
use crate::evaluation::view;
use crate::policy_states::type_of;
use crate::service::Writing;

/// Rows that are taken at a time.
const ROWS: usize = 16;
/// Messages that one commit writes, about.
const MESSAGES: usize = 500;
/// Bytes of a flipped verdict.
const ENTRY: usize = 3;

/// Notes the verdicts of a chunk that begin or end to be non-compliant, if its account tells
/// anybody. What goes with its rule is not told: whoever removed the rule knows.
pub(crate) fn note_flips(
    writing: &Writing<'_>,
    chunk: &Chunk,
    before: &Planes,
    after: &Planes,
) -> Result<()> {
    if writing.addressee(chunk.account)?.is_none() {
        return Ok(());
    }
    for (before, after) in before.differing(after) {
        let Some(after) = after else { continue };
        let none = RulePlanes::new(after.rule, 0);
        let before = before.unwrap_or(&none);
        let mut bytes = Vec::new();
        for slot in before.non_compliant.differences(&after.non_compliant).iter_from(0) {
            bytes.extend(encoded(slot, before.verdict(slot), after.verdict(slot)));
        }
        if bytes.is_empty() {
            continue;
        }
        writing.tx.insert_flip(&Flip {
            no: 0,
            account: chunk.account,
            chunk: chunk.no,
            rule: RuleNo(after.rule.into()),
            at: writing.now,
            bytes,
        })?;
        writing.service.signal.wake_after_commit();
    }
    Ok(())
}

fn encoded(slot: usize, before: Verdict, after: Verdict) -> [u8; ENTRY] {
    let [low, high] = u16::try_from(slot).unwrap_or_default().to_le_bytes();
    [low, high, code(before) << 2 | code(after)]
}

fn decoded(entry: [u8; ENTRY]) -> (usize, Option<&'static str>, Option<&'static str>) {
    let [low, high, verdicts] = entry;
    (u16::from_le_bytes([low, high]).into(), wire(verdicts >> 2), wire(verdicts & 3))
}

fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::OutOfScope => 0,
        Verdict::Compliant => 1,
        Verdict::NonCompliant => 2,
        Verdict::Undetermined => 3,
    }
}

/// A verdict on the wire, which knows two.
fn wire(code: u8) -> Option<&'static str> {
    match code {
        1 => Some("Compliant"),
        2 => Some("NonCompliant"),
        _ => None,
    }
}

/// A message that is made of a flipped verdict.
struct Told {
    subject: String,
    detail: StateChanged,
}

/// What becomes of a row: its messages, and what is left of it.
struct Expanded {
    flip: Flip,
    messages: Vec<Told>,
    left: Vec<u8>,
}

impl Service {
    /// Makes messages of flipped verdicts, for one commit; whether there were any.
    pub(crate) fn expand_flips(self: &Arc<Self>) -> Result<bool> {
        // One thread at a time: two would make the same messages.
        let Some(_guard) = self.expanding.try_lock() else { return Ok(false) };
        let expanded = self.read(|tx| {
            let (mut expanded, mut room) = (Vec::new(), MESSAGES);
            for flip in tx.flips(ROWS)? {
                if room == 0 {
                    break;
                }
                let one = expand(tx, flip, room)?;
                room -= one.messages.len().min(room);
                expanded.push(one);
            }
            Ok(expanded)
        })?;
        if expanded.is_empty() {
            return Ok(false);
        }
        self.write(move |writing| {
            for Expanded { flip, messages, left } in expanded {
                if let Some(to) = writing.addressee(flip.account)? {
                    write(writing, &to, messages)?;
                }
                if left.is_empty() {
                    writing.tx.delete_flip(flip.no)?;
                } else {
                    writing.tx.shorten_flip(flip.no, &left)?;
                }
            }
            Ok(())
        })?;
        Ok(true)
    }
}

fn write(writing: &Writing<'_>, to: &Addressee, messages: Vec<Told>) -> Result<()> {
    for Told { subject, detail } in messages {
        let message = state_changed(&to.domain_id, writing.now, &detail);
        to.tell(writing, subject, None, message)?;
    }
    Ok(())
}

fn expand(tx: &dyn ReadTx, flip: Flip, room: usize) -> Result<Expanded> {
    let nothing = |flip| Ok(Expanded { flip, messages: Vec::new(), left: Vec::new() });
    // The last states of a disabled rule are of no concern, also where their resources go.
    let Some((_, rule)) = tx.rule(flip.rule)?.filter(|(_, rule)| rule.judges()) else {
        return nothing(flip);
    };
    let Some(account) = tx.account(flip.account)? else { return nothing(flip) };
    let Some(of) = type_of(tx, flip.chunk)? else { return nothing(flip) };
    let split = (room * ENTRY).min(flip.bytes.len());
    let (now, left) = flip.bytes.split_at_checked(split).unwrap_or_default();
    let mut messages = Vec::new();
    for entry in now.chunks_exact(ENTRY) {
        let Ok(entry) = <[u8; ENTRY]>::try_from(entry) else { continue };
        let (slot, before, after) = decoded(entry);
        let told = |id: String, name: String, region: String| StateChanged {
            policy_assignment_id: rule.id.to_string(),
            policy_assignment_name: rule.name.clone(),
            resource_id: id,
            resource_name: name,
            resource_type: (!of.is_account()).then(|| of.to_string()),
            region_id: region,
            previous_compliance_state: before,
            compliance_state: after,
            capture_time: flip.at.to_wire(),
        };
        let detail = if of.is_account() {
            let (name, region) = (account_resource::NAME, account_resource::REGION);
            told(account.domain_id.clone(), name.to_owned(), region.to_owned())
        } else {
            let Some(body) = body(tx, ResourceKey::new(flip.chunk, slot))? else { continue };
            let view = view::read(&body);
            told(view.id.into_owned(), view.name.into_owned(), view.region_id.into_owned())
        };
        messages.push(Told { subject: subject(&detail.resource_id, &of), detail });
    }
    let left = left.to_vec();
    Ok(Expanded { flip, messages, left })
}

/// A resource, also one that is gone.
fn body(tx: &dyn ReadTx, key: ResourceKey) -> Result<Option<Vec<u8>>> {
    if let Some(stored) = tx.resource(key)? {
        return Ok(Some(stored.body));
    }
    Ok(tx.past_resource(key)?.map(|past| past.last.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bytes_tell_it() {
        for slot in [0, 255, 256, 4095] {
            let entry = encoded(slot, Verdict::Undetermined, Verdict::NonCompliant);
            assert_eq!(decoded(entry), (slot, None, Some("NonCompliant")));
            let entry = encoded(slot, Verdict::NonCompliant, Verdict::Compliant);
            assert_eq!(decoded(entry), (slot, Some("NonCompliant"), Some("Compliant")));
        }
    }
}
