//! Policy assignments, their kept numbers, their schedule and their reported results.

use std::sync::Arc;

use ruleward_types::{
    AccountNo, ComplianceCounts, ComplianceState, Error, ErrorCode, PolicyAssignment,
    PolicyAssignmentId, ResourceKey, Result, RuleNo, Timestamp,
};
use rusqlite::params;

use super::accounts::counts;
use super::{Tx, failed};
use crate::{ReadAssignments, ReportedResult, WriteAssignments};

pub(super) fn decode(no: i64, body: &str) -> Result<PolicyAssignment> {
    let mut rule: PolicyAssignment =
        serde_json::from_str(body).map_err(|e| Error::internal("read a policy assignment", e))?;
    rule.no = RuleNo(no);
    Ok(rule)
}

pub(super) fn encode(rule: &PolicyAssignment) -> Result<String> {
    serde_json::to_string(rule).map_err(|e| Error::internal("write a policy assignment", e))
}

impl ReadAssignments for Tx<'_> {
    fn rules(&self, account: AccountNo) -> Result<Vec<Arc<PolicyAssignment>>> {
        let context = failed("read policy assignments");
        let sql = "SELECT no, body FROM policy_assignment WHERE account = ?1 ORDER BY no";
        let mut statement = self.connection.prepare_cached(sql).map_err(&context)?;
        let mut rows = statement.query([account.0]).map_err(&context)?;
        let mut rules = Vec::new();
        while let Some(row) = rows.next().map_err(&context)? {
            let no = row.get(0).map_err(&context)?;
            let body = row.get_ref(1).map_err(&context)?.as_str();
            let body = body.map_err(|e| Error::internal("read policy assignments", e))?;
            rules.push(self.rules.get(no, body)?);
        }
        Ok(rules)
    }

    fn rule(&self, no: RuleNo) -> Result<Option<(AccountNo, PolicyAssignment)>> {
        let sql = "SELECT account, body FROM policy_assignment WHERE no = ?1";
        self.one(sql, [no.0], |row| Ok((AccountNo(row.get(0)?), row.get::<_, String>(1)?)))?
            .map(|(account, body)| {
                Ok((account, Arc::unwrap_or_clone(self.rules.get(no.0, &body)?)))
            })
            .transpose()
    }

    fn rule_by_id(
        &self,
        account: AccountNo,
        id: &PolicyAssignmentId,
    ) -> Result<Option<PolicyAssignment>> {
        let sql = "SELECT no, body FROM policy_assignment WHERE account = ?1 AND id = ?2";
        self.one(sql, params![account.0, id.as_str()], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?))
        })?
        .map(|(no, body)| self.rules.get(no, &body).map(Arc::unwrap_or_clone))
        .transpose()
    }

    fn rule_counts(&self, account: AccountNo) -> Result<Vec<(RuleNo, ComplianceCounts)>> {
        let sql = "SELECT rule, compliant, non_compliant, undetermined, exempt
                   FROM policy_assignment_count WHERE account = ?1 ORDER BY rule";
        self.all(sql, [account.0], |row| Ok((RuleNo(row.get(0)?), counts(row, 1)?)))
    }

    fn due_rules(&self, now: Timestamp, limit: usize) -> Result<Vec<(RuleNo, Timestamp)>> {
        let sql = "SELECT no, next_run FROM policy_assignment
                   WHERE next_run IS NOT NULL AND next_run <= ?1 ORDER BY next_run LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(sql, [now.0, limit], |row| Ok((RuleNo(row.get(0)?), Timestamp(row.get(1)?))))
    }

    fn next_due(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT min(next_run) FROM policy_assignment WHERE next_run IS NOT NULL";
        Ok(self.one(sql, [], |row| row.get::<_, Option<i64>>(0))?.flatten().map(Timestamp))
    }

    fn reported_result(&self, rule: RuleNo, key: ResourceKey) -> Result<Option<ReportedResult>> {
        let sql = "SELECT evaluation_hash, evaluation_time, compliance_state FROM reported_result
                   WHERE rule = ?1 AND key = ?2";
        self.one(sql, [rule.0, key.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
        })?
        .map(|(evaluation_hash, time, state)| {
            Ok(ReportedResult {
                evaluation_hash,
                evaluation_time: Timestamp(time),
                compliance_state: ComplianceState::parse(&state)?,
            })
        })
        .transpose()
    }
}

impl WriteAssignments for Tx<'_> {
    fn insert_rule(&self, account: AccountNo, rule: &mut PolicyAssignment) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO policy_assignment (account, id, name, judges, body)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .map_err(failed("insert a policy assignment"))?
            .execute(params![account.0, rule.id.as_str(), rule.name, rule.judges(), encode(rule)?])
            .map_err(name_taken)?;
        rule.no = RuleNo(self.inserted_row());
        if u32::try_from(rule.no.0).is_err() {
            return Err(Error::internal("insert a policy assignment", "out of rule numbers"));
        }
        let sql = "INSERT INTO policy_assignment_count (account, rule) VALUES (?1, ?2)";
        self.execute(sql, [account.0, rule.no.0]).map(drop)
    }

    fn update_rule(&self, rule: &PolicyAssignment) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE policy_assignment SET name = ?2, judges = ?3, body = ?4 WHERE no = ?1",
            )
            .map_err(failed("update a policy assignment"))?
            .execute(params![rule.no.0, rule.name, rule.judges(), encode(rule)?])
            .map_err(name_taken)
            .map(drop)
    }

    fn delete_rule(&self, no: RuleNo) -> Result<()> {
        self.execute("DELETE FROM reported_result WHERE rule = ?1", [no.0])?;
        self.execute("DELETE FROM evaluation_run WHERE rule = ?1", [no.0])?;
        self.execute("DELETE FROM function_expansion WHERE rule = ?1", [no.0])?;
        self.execute("DELETE FROM function_job WHERE rule = ?1", [no.0])?;
        self.execute(
            "DELETE FROM policy_assignment_count WHERE rule = ?1
             AND account = (SELECT account FROM policy_assignment WHERE no = ?1)",
            [no.0],
        )?;
        self.execute("DELETE FROM policy_assignment WHERE no = ?1", [no.0]).map(drop)
    }

    fn add_rule_counts(&self, deltas: &[((AccountNo, RuleNo), ComplianceCounts)]) -> Result<()> {
        let context = failed("count verdicts");
        let sql = "UPDATE policy_assignment_count SET compliant = compliant + ?3,
                   non_compliant = non_compliant + ?4, undetermined = undetermined + ?5,
                   exempt = exempt + ?6 WHERE account = ?1 AND rule = ?2";
        let mut add = self.connection.prepare_cached(sql).map_err(&context)?;
        for ((AccountNo(account), RuleNo(rule)), delta) in deltas {
            let ComplianceCounts { compliant, non_compliant, undetermined, exempt } = delta;
            add.execute([account, rule, compliant, non_compliant, undetermined, exempt])
                .map_err(&context)?;
        }
        Ok(())
    }

    fn set_next_run(&self, no: RuleNo, at: Option<Timestamp>) -> Result<()> {
        let sql = "UPDATE policy_assignment SET next_run = ?2 WHERE no = ?1";
        self.execute(sql, params![no.0, at.map(|at| at.0)]).map(drop)
    }

    fn put_reported_result(
        &self,
        rule: RuleNo,
        key: ResourceKey,
        result: &ReportedResult,
    ) -> Result<()> {
        let sql = "INSERT INTO reported_result
                   (rule, key, evaluation_hash, evaluation_time, compliance_state)
                   VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (rule, key) DO UPDATE SET
                   evaluation_hash = excluded.evaluation_hash,
                   evaluation_time = excluded.evaluation_time,
                   compliance_state = excluded.compliance_state";
        self.execute(
            sql,
            params![
                rule.0,
                key.0,
                result.evaluation_hash,
                result.evaluation_time.0,
                result.compliance_state.wire()
            ],
        )
        .map(drop)
    }

    fn delete_reported_results(&self, key: ResourceKey, rule: Option<RuleNo>) -> Result<()> {
        let sql = "DELETE FROM reported_result WHERE key = ?1 AND (?2 IS NULL OR rule = ?2)";
        self.execute(sql, params![key.0, rule.map(|rule| rule.0)]).map(drop)
    }
}

fn name_taken(e: rusqlite::Error) -> Error {
    match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => Error::new(ErrorCode::DuplicateName),
        _ => Error::internal("write a policy assignment", e),
    }
}
