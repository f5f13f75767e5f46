//! Bodies that were replaced. The rows of a resource are found one from the other, latest first, and
//! begin at what its place holds now, or at a mark: about one version in [`MARK_EVERY`] has one.

use ruleward_types::{AccountNo, ResourceKey, Result, Timestamp};
use rusqlite::{Row, params};

use super::Tx;
use crate::StoredResource;
use crate::history::{PastVersion, Span};

/// How far from each other marks are, on average.
const MARK_EVERY: u64 = 32;

/// Whether the version that was replaced at this moment has a mark. Moments of one resource may have a
/// period, so they are mixed.
fn has_mark(until: i64) -> bool {
    (until.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).is_multiple_of(MARK_EVERY)
}

fn past_version(row: &Row<'_>) -> rusqlite::Result<PastVersion> {
    Ok(PastVersion { version: row.get(0)?, until: row.get(1)?, body: row.get(2)? })
}

impl Tx<'_> {
    pub(super) fn put_past_version(
        &self,
        account: AccountNo,
        replaced: &StoredResource,
        until: i64,
    ) -> Result<()> {
        let StoredResource { key, version, body } = replaced;
        self.execute(
            "INSERT INTO past_version (until, account, key, version, body)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![until, account.0, key.0, version, body],
        )?;
        if has_mark(until) {
            let sql = "INSERT INTO past_version_mark (key, until) VALUES (?1, ?2)";
            self.execute(sql, [key.0, until])?;
        }
        Ok(())
    }

    /// The version that was replaced at a moment by a later one of the same resource.
    fn version_until(&self, key: ResourceKey, until: i64) -> Result<Option<PastVersion>> {
        let sql = "SELECT version, until, body FROM past_version WHERE until = ?1 AND key = ?2";
        self.one(sql, [until, key.0], past_version)
    }

    /// The first mark after a moment.
    fn mark_after(&self, key: ResourceKey, at: i64) -> Result<Option<i64>> {
        let sql = "SELECT until FROM past_version_mark WHERE key = ?1 AND until > ?2
                   ORDER BY until LIMIT 1";
        self.one(sql, [key.0, at], |row| row.get(0))
    }

    /// What a place held at a moment, of what was replaced; `last` is what it held last.
    pub(super) fn version_at(
        &self,
        last: &StoredResource,
        at: Timestamp,
    ) -> Result<Option<PastVersion>> {
        let mut until = self.mark_after(last.key, at.0)?.unwrap_or(last.version);
        while until > at.0 {
            let Some(past) = self.version_until(last.key, until)? else { return Ok(None) };
            if past.version <= at.0 {
                return Ok(Some(past));
            }
            until = past.version;
        }
        Ok(None)
    }

    pub(super) fn newest_versions(
        &self,
        last: &StoredResource,
        span: Span,
        limit: usize,
    ) -> Result<Vec<PastVersion>> {
        let until = self.mark_after(last.key, span.to)?.unwrap_or(last.version);
        self.versions_before(last.key, until, span, limit)
    }

    pub(super) fn oldest_versions(
        &self,
        last: &StoredResource,
        span: Span,
        limit: usize,
    ) -> Result<Vec<PastVersion>> {
        let (mut found, mut from) = (Vec::new(), span.from);
        // From mark to mark, and back to the mark before.
        while from < last.version && from <= span.to && found.len() < limit {
            let until = self.mark_after(last.key, from)?.unwrap_or(last.version);
            let of_mark = Span { from, to: span.to };
            let some = self.versions_before(last.key, until, of_mark, usize::MAX)?;
            found.extend(some.into_iter().rev());
            from = until;
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The versions of a span that were replaced at a moment or before, latest first.
    fn versions_before(
        &self,
        key: ResourceKey,
        mut until: i64,
        span: Span,
        limit: usize,
    ) -> Result<Vec<PastVersion>> {
        let mut found = Vec::new();
        while until > span.from
            && found.len() < limit
            && let Some(past) = self.version_until(key, until)?
        {
            until = past.version;
            if (span.from..=span.to).contains(&past.version) {
                found.push(past);
            }
        }
        Ok(found)
    }

    /// Forgets the oldest changes of an account and what they replaced: about so many rows.
    pub(super) fn prune_changes(
        &self,
        account: AccountNo,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize> {
        let first = "SELECT min(at) FROM change WHERE account = ?1 AND at >= ?2";
        let from =
            |at: i64| self.one(first, [account.0, at], |row| row.get(0)).map(Option::flatten);
        let mut gone = 0;
        while gone < limit
            && let Some(at) = from(i64::MIN)?.filter(|at| *at < before.0)
        {
            let (replaced, is_whole) =
                self.prune_replaced(account, at, from(at + 1)?.unwrap_or(i64::MAX), before)?;
            gone += replaced;
            if !is_whole {
                // It was going on at that moment; the rest still has to find it.
                break;
            }
            let sql = "DELETE FROM change WHERE account = ?1 AND at = ?2";
            gone += self.execute(sql, [account.0, at])?;
        }
        Ok(gone)
    }

    /// Forgets what a change replaced before a moment: how many rows, and whether that was all. It stands
    /// together, from the change on and not up to the next one of the account.
    fn prune_replaced(
        &self,
        account: AccountNo,
        at: i64,
        next: i64,
        before: Timestamp,
    ) -> Result<(usize, bool)> {
        let sql = "SELECT until, account, key FROM past_version WHERE until >= ?1
                   ORDER BY until LIMIT 1";
        let read = |row: &Row<'_>| {
            let (until, key): (i64, i64) = (row.get(0)?, row.get(2)?);
            Ok((until, AccountNo(row.get(1)?), key))
        };
        let mut gone = 0;
        while let Some((until, of, key)) = self.one(sql, [at], read)?
            && of == account
            && until < next
        {
            if until >= before.0 {
                return Ok((gone, false));
            }
            self.execute("DELETE FROM past_version WHERE until = ?1", [until])?;
            let sql = "DELETE FROM past_version_mark WHERE key = ?1 AND until = ?2";
            self.execute(sql, [key, until])?;
            gone += 1;
        }
        Ok((gone, true))
    }
}
