//! Organization rules and the queue of their deployment.

use ruleward_types::{
    AccountNo, DeploymentCounts, DeploymentFailure, DeploymentKind, DeploymentState,
    DeploymentStatus, Error, ErrorCode, OrganizationDeployment, OrganizationDeploymentNo,
    OrganizationNo, OrganizationPolicyAssignment, OrganizationRuleNo, Result, RuleNo, Timestamp,
};
use rusqlite::{Row, params};

use super::{Tx, failed};
use crate::{ReadOrganizationAssignments, WriteOrganizationAssignments};

const DEPLOYMENT: &str = "SELECT d.no, d.rule, d.account, a.domain_id, d.status, d.assignment,
                          d.assignment_id, d.error_code, d.error_message, d.attempts, d.due,
                          d.created, d.updated
                          FROM organization_deployment d JOIN account a ON a.no = d.account";

fn decode(no: i64, body: &str) -> Result<OrganizationPolicyAssignment> {
    let mut rule: OrganizationPolicyAssignment =
        serde_json::from_str(body).map_err(|e| Error::internal("read an organization rule", e))?;
    rule.no = OrganizationRuleNo(no);
    Ok(rule)
}

fn encode(rule: &OrganizationPolicyAssignment) -> Result<String> {
    serde_json::to_string(rule).map_err(|e| Error::internal("write an organization rule", e))
}

fn name_taken(e: rusqlite::Error) -> Error {
    match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => Error::with(
            ErrorCode::DuplicateName,
            "An organization rule with this name exists in the organization.",
        ),
        _ => Error::internal("write an organization rule", e),
    }
}

/// A deployment, with its status and the id of the member's rule still as texts.
type Raw = (OrganizationDeployment, String, Option<(i64, String)>);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let failure = match (row.get(7)?, row.get(8)?) {
        (Some(code), Some(message)) => Some(DeploymentFailure { code, message }),
        _ => None,
    };
    let deployment = OrganizationDeployment {
        no: OrganizationDeploymentNo(row.get(0)?),
        rule: OrganizationRuleNo(row.get(1)?),
        account: AccountNo(row.get(2)?),
        domain_id: row.get(3)?,
        status: DeploymentStatus {
            kind: DeploymentKind::Create,
            state: DeploymentState::InProgress,
        },
        assignment: None,
        failure,
        attempts: row.get(9)?,
        due: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        created: Timestamp(row.get(11)?),
        updated: Timestamp(row.get(12)?),
    };
    let assignment = row.get::<_, Option<i64>>(5)?.zip(row.get::<_, Option<String>>(6)?);
    Ok((deployment, row.get(4)?, assignment))
}

fn deployment((raw, status, assignment): Raw) -> Result<OrganizationDeployment> {
    Ok(OrganizationDeployment {
        status: DeploymentStatus::parse(&status)?,
        assignment: assignment
            .map(|(no, id)| Ok::<_, Error>((RuleNo(no), id.parse()?)))
            .transpose()?,
        ..raw
    })
}

fn deployments(rows: Vec<Raw>) -> Result<Vec<OrganizationDeployment>> {
    rows.into_iter().map(deployment).collect()
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl ReadOrganizationAssignments for Tx<'_> {
    fn organization_rules(
        &self,
        organization: OrganizationNo,
    ) -> Result<Vec<OrganizationPolicyAssignment>> {
        let sql = "SELECT no, body FROM organization_policy_assignment
                   WHERE organization = ?1 ORDER BY no";
        self.all(sql, [organization.0], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
            .into_iter()
            .map(|(no, body)| decode(no, &body))
            .collect()
    }

    fn organization_rule(
        &self,
        no: OrganizationRuleNo,
    ) -> Result<Option<OrganizationPolicyAssignment>> {
        let sql = "SELECT body FROM organization_policy_assignment WHERE no = ?1";
        self.one(sql, [no.0], |row| row.get::<_, String>(0))?
            .map(|body| decode(no.0, &body))
            .transpose()
    }

    fn deployment_counts(&self, rule: OrganizationRuleNo) -> Result<DeploymentCounts> {
        let sql = "SELECT status, count(*) FROM organization_deployment WHERE rule = ?1
                   GROUP BY status";
        let mut counts = DeploymentCounts::default();
        for (status, count) in
            self.all(sql, [rule.0], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?
        {
            match DeploymentStatus::parse(&status)?.state {
                DeploymentState::InProgress => counts.in_progress += count,
                DeploymentState::Failed => counts.failed += count,
                DeploymentState::Successful => counts.successful += count,
            }
        }
        Ok(counts)
    }

    fn failed_deployment(
        &self,
        rule: OrganizationRuleNo,
    ) -> Result<Option<OrganizationDeployment>> {
        let sql = format!(
            "{DEPLOYMENT} WHERE d.rule = ?1 AND d.error_code IS NOT NULL ORDER BY d.no LIMIT 1"
        );
        self.one(&sql, [rule.0], raw)?.map(deployment).transpose()
    }

    fn deployments(
        &self,
        rule: OrganizationRuleNo,
        after: OrganizationDeploymentNo,
        limit: usize,
    ) -> Result<Vec<OrganizationDeployment>> {
        let sql = format!("{DEPLOYMENT} WHERE d.rule = ?1 AND d.no > ?2 ORDER BY d.no LIMIT ?3");
        deployments(self.all(&sql, [rule.0, after.0, sql_limit(limit)], raw)?)
    }

    fn deployment(&self, no: OrganizationDeploymentNo) -> Result<Option<OrganizationDeployment>> {
        let sql = format!("{DEPLOYMENT} WHERE d.no = ?1");
        self.one(&sql, [no.0], raw)?.map(deployment).transpose()
    }

    fn due_deployments(&self, now: Timestamp, limit: usize) -> Result<Vec<OrganizationDeployment>> {
        let sql = format!(
            "{DEPLOYMENT} WHERE d.due IS NOT NULL AND d.due <= ?1
             ORDER BY d.due, d.account, d.no LIMIT ?2"
        );
        deployments(self.all(&sql, [now.0, sql_limit(limit)], raw)?)
    }

    fn deployments_in_progress(&self) -> Result<i64> {
        let sql = "SELECT count(*) FROM organization_deployment WHERE due = 0";
        Ok(self.one(sql, [], |row| row.get(0))?.unwrap_or(0))
    }
}

impl WriteOrganizationAssignments for Tx<'_> {
    fn insert_organization_rule(&self, rule: &mut OrganizationPolicyAssignment) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO organization_policy_assignment
                 (organization, owner, id, name, deleted, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(failed("insert an organization rule"))?
            .execute(params![
                rule.organization.0,
                rule.owner.0,
                rule.id,
                rule.name,
                rule.is_deleted(),
                encode(rule)?
            ])
            .map_err(name_taken)?;
        rule.no = OrganizationRuleNo(self.inserted_row());
        Ok(())
    }

    fn update_organization_rule(&self, rule: &OrganizationPolicyAssignment) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE organization_policy_assignment SET name = ?2, deleted = ?3, body = ?4
                 WHERE no = ?1",
            )
            .map_err(failed("update an organization rule"))?
            .execute(params![rule.no.0, rule.name, rule.is_deleted(), encode(rule)?])
            .map_err(name_taken)
            .map(drop)
    }

    fn delete_organization_rule(&self, no: OrganizationRuleNo) -> Result<()> {
        self.execute("DELETE FROM organization_policy_assignment WHERE no = ?1", [no.0]).map(drop)
    }

    fn ask_for_deployment(
        &self,
        rule: OrganizationRuleNo,
        account: AccountNo,
        now: Timestamp,
    ) -> Result<()> {
        let sql = "INSERT INTO organization_deployment
                   (rule, account, status, due, created, updated)
                   VALUES (?1, ?2, 'CREATE_IN_PROGRESS', 0, ?3, ?3)
                   ON CONFLICT (rule, account) DO UPDATE SET
                   status = iif(assignment IS NULL, 'CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS'),
                   error_code = NULL, error_message = NULL, attempts = 0, due = 0,
                   updated = excluded.updated";
        self.execute(sql, [rule.0, account.0, now.0]).map(drop)
    }

    fn ask_for_removal(
        &self,
        rule: OrganizationRuleNo,
        account: Option<AccountNo>,
        now: Timestamp,
    ) -> Result<()> {
        let sql = "UPDATE organization_deployment SET status = 'DELETE_IN_PROGRESS',
                   error_code = NULL, error_message = NULL, attempts = 0, due = 0, updated = ?3
                   WHERE rule = ?1 AND (?2 IS NULL OR account = ?2)";
        self.execute(sql, params![rule.0, account.map(|account| account.0), now.0]).map(drop)
    }

    fn retry_deployments(&self, account: AccountNo) -> Result<()> {
        let sql = "UPDATE organization_deployment SET attempts = 0, due = 0
                   WHERE account = ?1 AND error_code IS NOT NULL";
        self.execute(sql, [account.0]).map(drop)
    }

    fn update_deployment(&self, deployment: &OrganizationDeployment) -> Result<()> {
        let sql = "UPDATE organization_deployment SET status = ?2, assignment = ?3,
                   assignment_id = ?4, error_code = ?5, error_message = ?6, attempts = ?7,
                   due = ?8, updated = ?9 WHERE no = ?1";
        let (assignment, failure) = (&deployment.assignment, &deployment.failure);
        self.execute(
            sql,
            params![
                deployment.no.0,
                deployment.status.wire(),
                assignment.as_ref().map(|(no, _)| no.0),
                assignment.as_ref().map(|(_, id)| id.as_str()),
                failure.as_ref().map(|failure| &failure.code),
                failure.as_ref().map(|failure| &failure.message),
                deployment.attempts,
                deployment.due.map(|at| at.0),
                deployment.updated.0,
            ],
        )
        .map(drop)
    }

    fn delete_deployment(&self, no: OrganizationDeploymentNo) -> Result<()> {
        self.execute("DELETE FROM organization_deployment WHERE no = ?1", [no.0]).map(drop)
    }
}
