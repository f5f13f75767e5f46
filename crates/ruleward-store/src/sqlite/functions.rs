//! Functions of custom rules, and the queue of their calls.

use ruleward_types::{
    AccountNo, Error, ErrorCode, Function, FunctionCounts, FunctionJob, FunctionJobCounts,
    FunctionJobNo, FunctionJobState, FunctionNo, ResourceKey, Result, RuleNo, RunNo, Timestamp,
};
use rusqlite::{Row, params};

use super::{Tx, failed};
use crate::{FunctionExpansion, ReadFunctions, WriteFunctions};

const JOB: &str =
    "SELECT no, account, rule, key, version, time, run, state, attempts, due, answered,
                   words, output FROM function_job";

fn state(number: i64) -> FunctionJobState {
    match number {
        0 => FunctionJobState::Waiting,
        1 => FunctionJobState::Running,
        2 => FunctionJobState::Called,
        _ => FunctionJobState::Dead,
    }
}

fn number(state: FunctionJobState) -> i64 {
    match state {
        FunctionJobState::Waiting => 0,
        FunctionJobState::Running => 1,
        FunctionJobState::Called => 2,
        FunctionJobState::Dead => 3,
    }
}

fn job(row: &Row<'_>) -> rusqlite::Result<FunctionJob> {
    Ok(FunctionJob {
        no: FunctionJobNo(row.get(0)?),
        account: AccountNo(row.get(1)?),
        rule: RuleNo(row.get(2)?),
        key: ResourceKey(row.get(3)?),
        version: row.get(4)?,
        time: Timestamp(row.get(5)?),
        run: row.get::<_, Option<i64>>(6)?.map(RunNo),
        state: state(row.get(7)?),
        attempts: row.get(8)?,
        due: Timestamp(row.get(9)?),
        answered: row.get(10)?,
        words: row.get(11)?,
        output: row.get(12)?,
    })
}

fn decode((no, body): (i64, String)) -> Result<Function> {
    let mut function: Function =
        serde_json::from_str(&body).map_err(|e| Error::internal("read a function", e))?;
    function.no = FunctionNo(no);
    Ok(function)
}

fn stored(row: &Row<'_>) -> rusqlite::Result<(i64, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn urn_taken(e: rusqlite::Error) -> Error {
    match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => Error::with(
            ErrorCode::DuplicateName,
            "A function with this URN is configured already; remove it first.",
        ),
        _ => Error::internal("write a function", e),
    }
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl ReadFunctions for Tx<'_> {
    fn functions(
        &self,
        account: Option<AccountNo>,
        after: FunctionNo,
        limit: usize,
    ) -> Result<Vec<Function>> {
        let sql = "SELECT no, body FROM function
                   WHERE no > ?2 AND (?1 IS NULL OR account IS NULL OR account = ?1)
                   ORDER BY no LIMIT ?3";
        let account = account.map(|account| account.0);
        self.all(sql, params![account, after.0, sql_limit(limit)], stored)?
            .into_iter()
            .map(decode)
            .collect()
    }

    fn function_by_id(&self, id: &str) -> Result<Option<Function>> {
        let sql = "SELECT no, body FROM function WHERE id = ?1";
        self.one(sql, [id], stored)?.map(decode).transpose()
    }

    fn function_secret(&self, no: FunctionNo) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT sealed_secret FROM function WHERE no = ?1";
        Ok(self.one(sql, [no.0], |row| row.get(0))?.flatten())
    }

    fn function_counts(&self, no: FunctionNo) -> Result<FunctionCounts> {
        let sql = "SELECT calls, repeated, failed, accepted, refused FROM function WHERE no = ?1";
        let counts = self.one(sql, [no.0], |row| {
            Ok(FunctionCounts {
                calls: row.get(0)?,
                repeated: row.get(1)?,
                failed: row.get(2)?,
                accepted: row.get(3)?,
                refused: row.get(4)?,
            })
        })?;
        Ok(counts.unwrap_or_default())
    }

    fn function_job(&self, no: FunctionJobNo) -> Result<Option<FunctionJob>> {
        self.one(&format!("{JOB} WHERE no = ?1"), [no.0], job)
    }

    fn function_job_of(&self, rule: RuleNo, key: ResourceKey) -> Result<Option<FunctionJob>> {
        self.one(&format!("{JOB} WHERE rule = ?1 AND key = ?2"), [rule.0, key.0], job)
    }

    fn function_jobs_of_key(&self, key: ResourceKey) -> Result<Vec<FunctionJob>> {
        self.all(&format!("{JOB} WHERE key = ?1 ORDER BY no"), [key.0], job)
    }

    fn next_account_with_function_jobs(&self, after: AccountNo) -> Result<Option<AccountNo>> {
        let sql = "SELECT account FROM function_job WHERE state = 0 AND account > ?1
                   ORDER BY account LIMIT 1";
        self.one(sql, [after.0], |row| row.get(0).map(AccountNo))
    }

    fn next_rule_with_function_jobs(
        &self,
        account: AccountNo,
        after: RuleNo,
    ) -> Result<Option<RuleNo>> {
        let sql = "SELECT rule FROM function_job WHERE state = 0 AND account = ?1 AND rule > ?2
                   ORDER BY rule LIMIT 1";
        self.one(sql, [account.0, after.0], |row| row.get(0).map(RuleNo))
    }

    fn due_function_jobs(
        &self,
        account: AccountNo,
        rule: RuleNo,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<FunctionJob>> {
        let sql = format!(
            "{JOB} WHERE state = 0 AND account = ?1 AND rule = ?2 AND due <= ?3
             ORDER BY due, no LIMIT ?4"
        );
        self.all(&sql, [account.0, rule.0, now.0, sql_limit(limit)], job)
    }

    fn overdue_function_jobs(&self, now: Timestamp, limit: usize) -> Result<Vec<FunctionJob>> {
        let sql = format!("{JOB} WHERE state = 2 AND due <= ?1 ORDER BY due LIMIT ?2");
        self.all(&sql, [now.0, sql_limit(limit)], job)
    }

    fn dead_function_jobs(
        &self,
        account: Option<AccountNo>,
        after: (AccountNo, FunctionJobNo),
        limit: usize,
    ) -> Result<Vec<FunctionJob>> {
        let limit = sql_limit(limit);
        if let Some(account) = account {
            let after = if after.0 == account { after.1.0 } else { 0 };
            let sql =
                format!("{JOB} WHERE state = 3 AND account = ?1 AND no > ?2 ORDER BY no LIMIT ?3");
            return self.all(&sql, [account.0, after, limit], job);
        }
        let sql = format!(
            "{JOB} WHERE state = 3 AND (account, no) > (?1, ?2) ORDER BY account, no LIMIT ?3"
        );
        self.all(&sql, [after.0.0, after.1.0, limit], job)
    }

    fn function_job_counts(&self, rule: Option<RuleNo>) -> Result<FunctionJobCounts> {
        let read = |row: &Row<'_>| Ok((state(row.get(0)?), row.get::<_, i64>(1)?));
        let found = match rule {
            Some(rule) => {
                let sql = "SELECT state, count(*) FROM function_job WHERE rule = ?1 GROUP BY state";
                self.all(sql, [rule.0], read)?
            }
            None => {
                self.all("SELECT state, count(*) FROM function_job GROUP BY state", [], read)?
            }
        };
        let mut counts = FunctionJobCounts::default();
        for (state, count) in found {
            match state {
                FunctionJobState::Waiting => counts.waiting += count,
                FunctionJobState::Running | FunctionJobState::Called => counts.running += count,
                FunctionJobState::Dead => counts.dead += count,
            }
        }
        Ok(counts)
    }

    fn dead_function_job_of(&self, rule: RuleNo) -> Result<Option<FunctionJob>> {
        self.one(&format!("{JOB} WHERE rule = ?1 AND state = 3 LIMIT 1"), [rule.0], job)
    }

    fn next_function_expansion(&self, after: RuleNo) -> Result<Option<FunctionExpansion>> {
        let sql = "SELECT rule, account, run, after, started FROM function_expansion
                   WHERE rule > ?1 ORDER BY rule LIMIT 1";
        self.one(sql, [after.0], |row| {
            Ok(FunctionExpansion {
                rule: RuleNo(row.get(0)?),
                account: AccountNo(row.get(1)?),
                run: RunNo(row.get(2)?),
                after: ResourceKey(row.get(3)?),
                started: Timestamp(row.get(4)?),
            })
        })
    }
}

impl WriteFunctions for Tx<'_> {
    fn insert_function(&self, function: &mut Function, sealed_secret: Option<&[u8]>) -> Result<()> {
        let body =
            serde_json::to_string(function).map_err(|e| Error::internal("write a function", e))?;
        self.connection
            .prepare_cached(
                "INSERT INTO function (id, account, urn, body, sealed_secret)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .map_err(failed("insert a function"))?
            .execute(params![
                function.id,
                function.account.map(|account| account.0),
                function.urn,
                body,
                sealed_secret
            ])
            .map_err(urn_taken)?;
        function.no = FunctionNo(self.inserted_row());
        Ok(())
    }

    fn delete_function(&self, no: FunctionNo) -> Result<()> {
        self.execute("DELETE FROM function WHERE no = ?1", [no.0]).map(drop)
    }

    fn add_function_counts(&self, no: FunctionNo, delta: FunctionCounts) -> Result<()> {
        let sql = "UPDATE function SET calls = calls + ?2, repeated = repeated + ?3,
                   failed = failed + ?4, accepted = accepted + ?5, refused = refused + ?6
                   WHERE no = ?1";
        let FunctionCounts { calls, repeated, failed, accepted, refused } = delta;
        self.execute(sql, [no.0, calls, repeated, failed, accepted, refused]).map(drop)
    }

    fn put_function_job(&self, job: &FunctionJob) -> Result<()> {
        let sql =
            "INSERT INTO function_job (account, rule, key, version, time, run, state, attempts,
                   due, answered, words, output)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                   ON CONFLICT (rule, key) DO UPDATE SET version = excluded.version,
                   time = excluded.time, run = ifnull(excluded.run, run), state = excluded.state,
                   attempts = excluded.attempts, due = excluded.due, answered = excluded.answered,
                   words = excluded.words, output = excluded.output";
        self.execute(
            sql,
            params![
                job.account.0,
                job.rule.0,
                job.key.0,
                job.version,
                job.time.0,
                job.run.map(|run| run.0),
                number(job.state),
                job.attempts,
                job.due.0,
                job.answered,
                job.words,
                job.output
            ],
        )
        .map(drop)
    }

    fn update_function_job(&self, job: &FunctionJob) -> Result<()> {
        let sql = "UPDATE function_job SET version = ?2, time = ?3, run = ?4, state = ?5,
                   attempts = ?6, due = ?7, answered = ?8, words = ?9, output = ?10 WHERE no = ?1";
        self.execute(
            sql,
            params![
                job.no.0,
                job.version,
                job.time.0,
                job.run.map(|run| run.0),
                number(job.state),
                job.attempts,
                job.due.0,
                job.answered,
                job.words,
                job.output
            ],
        )
        .map(drop)
    }

    fn delete_function_job(&self, no: FunctionJobNo) -> Result<()> {
        self.execute("DELETE FROM function_job WHERE no = ?1", [no.0]).map(drop)
    }

    fn delete_function_jobs_of_rule(&self, rule: RuleNo) -> Result<()> {
        self.execute("DELETE FROM function_expansion WHERE rule = ?1", [rule.0])?;
        self.execute("DELETE FROM function_job WHERE rule = ?1", [rule.0]).map(drop)
    }

    fn release_function_jobs(&self) -> Result<usize> {
        self.execute("UPDATE function_job SET state = 0 WHERE state = 1", [])
    }

    fn put_function_expansion(&self, expansion: &FunctionExpansion) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO function_expansion (rule, account, run, after, started)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let FunctionExpansion { rule, account, run, after, started } = *expansion;
        self.execute(sql, [rule.0, account.0, run.0, after.0, started.0]).map(drop)
    }

    fn delete_function_expansion(&self, rule: RuleNo) -> Result<()> {
        self.execute("DELETE FROM function_expansion WHERE rule = ?1", [rule.0]).map(drop)
    }
}
