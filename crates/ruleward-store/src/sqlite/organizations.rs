//! Organizations, their units and members.

use ruleward_types::{
    AccountNo, AccountSummary, ComplianceCounts, Error, ErrorCode, MemberState, Organization,
    OrganizationMember, OrganizationNo, OrganizationUnit, OrganizationUnitNo, Result, Timestamp,
};
use rusqlite::{Row, params};

use super::accounts::counts;
use super::{Tx, failed};
use crate::{ReadOrganizations, WriteOrganizations};

const ORGANIZATION: &str = "SELECT no, id, name, management, created FROM organization";
const MEMBER: &str = "SELECT m.organization, m.account, a.domain_id, a.name, m.unit, m.state,
                      m.delegated, m.since
                      FROM organization_member m JOIN account a ON a.no = m.account";

fn organization(row: &Row<'_>) -> rusqlite::Result<Organization> {
    Ok(Organization {
        no: OrganizationNo(row.get(0)?),
        id: row.get(1)?,
        name: row.get(2)?,
        management: AccountNo(row.get(3)?),
        created: Timestamp(row.get(4)?),
    })
}

fn unit(row: &Row<'_>) -> rusqlite::Result<OrganizationUnit> {
    Ok(OrganizationUnit {
        no: OrganizationUnitNo(row.get(0)?),
        organization: OrganizationNo(row.get(1)?),
        id: row.get(2)?,
        name: row.get(3)?,
        parent: row.get::<_, Option<i64>>(4)?.map(OrganizationUnitNo),
        created: Timestamp(row.get(5)?),
    })
}

/// A member, and the name of its state.
fn member(row: &Row<'_>) -> rusqlite::Result<(OrganizationMember, String)> {
    let member = OrganizationMember {
        organization: OrganizationNo(row.get(0)?),
        account: AccountNo(row.get(1)?),
        domain_id: row.get(2)?,
        name: row.get(3)?,
        unit: row.get::<_, Option<i64>>(4)?.map(OrganizationUnitNo),
        state: MemberState::Invited,
        delegated: row.get(6)?,
        since: Timestamp(row.get(7)?),
    };
    Ok((member, row.get(5)?))
}

fn with_state((member, state): (OrganizationMember, String)) -> Result<OrganizationMember> {
    Ok(OrganizationMember { state: MemberState::parse(&state)?, ..member })
}

/// A constraint that does not hold is the caller's mistake, everything else is ours.
fn refused(code: ErrorCode, words: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |e| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => Error::with(code, words),
        _ => Error::internal("write an organization", e),
    }
}

impl ReadOrganizations for Tx<'_> {
    fn organizations(&self) -> Result<Vec<Organization>> {
        self.all(&format!("{ORGANIZATION} ORDER BY no"), [], organization)
    }

    fn organization(&self, no: OrganizationNo) -> Result<Option<Organization>> {
        self.one(&format!("{ORGANIZATION} WHERE no = ?1"), [no.0], organization)
    }

    fn organization_by_id(&self, id: &str) -> Result<Option<Organization>> {
        self.one(&format!("{ORGANIZATION} WHERE id = ?1"), [id], organization)
    }

    fn organization_of(&self, account: AccountNo) -> Result<Option<Organization>> {
        let sql = format!(
            "{ORGANIZATION} WHERE management = ?1 OR no = (SELECT organization
             FROM organization_member WHERE account = ?1 AND state <> 'invited')"
        );
        self.one(&sql, [account.0], organization)
    }

    fn organization_units(&self, organization: OrganizationNo) -> Result<Vec<OrganizationUnit>> {
        let sql = "SELECT no, organization, id, name, parent, created FROM organization_unit
                   WHERE organization = ?1 ORDER BY no";
        self.all(sql, [organization.0], unit)
    }

    fn organization_members(
        &self,
        organization: OrganizationNo,
        after: AccountNo,
        limit: usize,
    ) -> Result<Vec<OrganizationMember>> {
        let sql = format!(
            "{MEMBER} WHERE m.organization = ?1 AND m.account > ?2 ORDER BY m.account LIMIT ?3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(&sql, [organization.0, after.0, limit], member)?
            .into_iter()
            .map(with_state)
            .collect()
    }

    fn organization_member(
        &self,
        organization: OrganizationNo,
        account: AccountNo,
    ) -> Result<Option<OrganizationMember>> {
        let sql = format!("{MEMBER} WHERE m.organization = ?1 AND m.account = ?2");
        self.one(&sql, [organization.0, account.0], member)?.map(with_state).transpose()
    }

    fn organization_counts(&self, organization: OrganizationNo) -> Result<Vec<AccountSummary>> {
        self.all(include_str!("queries/organization_counts.sql"), [organization.0], |row| {
            let summary = AccountSummary {
                domain_id: row.get(0)?,
                name: row.get(1)?,
                state: None,
                resources: counts(row, 3)?,
                assignments: ComplianceCounts { exempt: 0, ..counts(row, 7)? },
            };
            Ok((summary, row.get::<_, Option<String>>(2)?))
        })?
        .into_iter()
        .map(|(summary, state)| {
            let state = state.map(|name| MemberState::parse(&name)).transpose()?;
            Ok(AccountSummary { state, ..summary })
        })
        .collect()
    }
}

impl WriteOrganizations for Tx<'_> {
    fn insert_organization(&self, organization: &Organization) -> Result<OrganizationNo> {
        let Organization { no: _, id, name, management, created } = organization;
        self.connection
            .prepare_cached(
                "INSERT INTO organization (id, name, management, created) VALUES (?1, ?2, ?3, ?4)",
            )
            .map_err(failed("insert an organization"))?
            .execute(params![id, name, management.0, created.0])
            .map_err(refused(
                ErrorCode::AccountInOrganization,
                ErrorCode::AccountInOrganization.text(),
            ))?;
        Ok(OrganizationNo(self.inserted_row()))
    }

    fn insert_organization_unit(&self, unit: &OrganizationUnit) -> Result<OrganizationUnitNo> {
        let OrganizationUnit { no: _, organization, id, name, parent, created } = unit;
        let parent = parent.map(|parent| parent.0);
        self.connection
            .prepare_cached(
                "INSERT INTO organization_unit (organization, id, name, parent, created)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .map_err(failed("insert a unit"))?
            .execute(params![organization.0, id, name, parent, created.0])
            .map_err(refused(ErrorCode::InvalidParameter, "a unit of this name exists there"))?;
        Ok(OrganizationUnitNo(self.inserted_row()))
    }

    fn delete_organization_unit(&self, no: OrganizationUnitNo) -> Result<bool> {
        let sql = "DELETE FROM organization_unit WHERE no = ?1
                   AND NOT EXISTS (SELECT 1 FROM organization_unit WHERE parent = ?1)
                   AND NOT EXISTS (SELECT 1 FROM organization_member WHERE unit = ?1)";
        Ok(self.execute(sql, [no.0])? > 0)
    }

    fn put_organization_member(&self, member: &OrganizationMember) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO organization_member
                 (organization, account, unit, state, delegated, since)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (organization, account) DO UPDATE SET unit = excluded.unit,
                 state = excluded.state, delegated = excluded.delegated, since = excluded.since",
            )
            .map_err(failed("write a member"))?
            .execute(params![
                member.organization.0,
                member.account.0,
                member.unit.map(|unit| unit.0),
                member.state.wire(),
                member.delegated,
                member.since.0
            ])
            .map_err(refused(
                ErrorCode::AccountInOrganization,
                ErrorCode::AccountInOrganization.text(),
            ))
            .map(drop)
    }

    fn delete_organization_member(
        &self,
        organization: OrganizationNo,
        account: AccountNo,
    ) -> Result<()> {
        let sql = "DELETE FROM organization_member WHERE organization = ?1 AND account = ?2";
        self.execute(sql, [organization.0, account.0]).map(drop)
    }
}
