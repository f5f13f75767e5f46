//! Accounts, users, keys and tokens.

use ruleward_types::{
    AccessKey, Account, AccountNo, ComplianceCounts, Error, ErrorCode, Recorder, Result, Role,
    Selection, Timestamp, User, UserNo,
};
use rusqlite::types::{Type, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use super::{Tx, failed};
use crate::{ReadAccounts, WriteAccounts};

const ACCOUNT: &str = "SELECT no, domain_id, name, created, recorder_enabled, rules_version, types
     FROM account LEFT JOIN tracker_config ON tracker_config.account = no";
const USER: &str = "SELECT no, account, id, name, role, password_hash, created FROM user";
const KEY: &str =
    "SELECT access_key, user, sealed_secret, token_sha256, expires, created FROM access_key";
/// A key, then its user, then the account.
const HOLDER: &str = "SELECT access_key, access_key.user, sealed_secret, token_sha256, expires, access_key.created,
            user.no, user.account, id, user.name, role, password_hash, user.created,
            account.no, domain_id, account.name, account.created, recorder_enabled, rules_version, types
     FROM access_key JOIN user ON user.no = access_key.user JOIN account ON account.no = user.account
     LEFT JOIN tracker_config ON tracker_config.account = account.no
     WHERE access_key = ?1";

/// Reads an account from a column on.
fn account(row: &Row<'_>, from: usize) -> rusqlite::Result<Account> {
    Ok(Account {
        no: AccountNo(row.get(from)?),
        domain_id: row.get(from + 1)?,
        name: row.get(from + 2)?,
        created: Timestamp(row.get(from + 3)?),
        recorder: Recorder {
            enabled: row.get(from + 4)?,
            selection: selection(row.get_ref(from + 6)?)?,
        },
        rules_version: row.get(from + 5)?,
    })
}

/// Recorded types as they are stored: nothing, or a JSON list.
fn selection(stored: ValueRef<'_>) -> rusqlite::Result<Selection> {
    let Some(text) = stored.as_str_or_null()? else { return Ok(Selection::All) };
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(6, Type::Text, Box::new(e)))
}

fn user(row: &Row<'_>, from: usize) -> rusqlite::Result<User> {
    let role: String = row.get(from + 4)?;
    Ok(User {
        no: UserNo(row.get(from)?),
        account: AccountNo(row.get(from + 1)?),
        id: row.get(from + 2)?,
        name: row.get(from + 3)?,
        // A role that this version does not know may only report: the least that there is.
        role: Role::parse(&role).unwrap_or(Role::Reporter),
        password_hash: row.get(from + 5)?,
        created: Timestamp(row.get(from + 6)?),
    })
}

fn access_key(row: &Row<'_>, from: usize) -> rusqlite::Result<AccessKey> {
    Ok(AccessKey {
        access_key: row.get(from)?,
        user: UserNo(row.get(from + 1)?),
        sealed_secret: row.get(from + 2)?,
        token_sha256: row.get(from + 3)?,
        expires: row.get::<_, Option<i64>>(from + 4)?.map(Timestamp),
        created: Timestamp(row.get(from + 5)?),
    })
}

/// A unique name that is taken is the caller's mistake, everything else is ours.
fn inserted(context: &'static str, words: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |e| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Error::with(ErrorCode::InvalidParameter, words)
        }
        _ => Error::internal(context, e),
    }
}

impl Tx<'_> {
    /// One row, or none.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params, read).optional())
            .map_err(|e| Error::internal(sql, e))
    }

    /// All rows.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(params, read)?.collect())
            .map_err(|e| Error::internal(sql, e))
    }

    /// Changes rows; how many.
    pub(super) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map_err(|e| Error::internal(sql, e))
    }

    /// The row inserted last.
    pub(super) fn inserted_row(&self) -> i64 {
        self.connection.last_insert_rowid()
    }
}

/// Reads kept numbers from four columns on.
pub(super) fn counts(row: &Row<'_>, from: usize) -> rusqlite::Result<ComplianceCounts> {
    Ok(ComplianceCounts {
        compliant: row.get(from)?,
        non_compliant: row.get(from + 1)?,
        undetermined: row.get(from + 2)?,
        exempt: row.get(from + 3)?,
    })
}

impl ReadAccounts for Tx<'_> {
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.one("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
    }

    fn accounts(&self) -> Result<Vec<Account>> {
        self.all(&format!("{ACCOUNT} ORDER BY no"), [], |row| account(row, 0))
    }

    fn account(&self, no: AccountNo) -> Result<Option<Account>> {
        self.one(&format!("{ACCOUNT} WHERE no = ?1"), [no.0], |row| account(row, 0))
    }

    fn rules_version(&self, no: AccountNo) -> Result<Option<i64>> {
        self.one("SELECT rules_version FROM account WHERE no = ?1", [no.0], |row| row.get(0))
    }

    fn account_by_domain(&self, domain_id: &str) -> Result<Option<Account>> {
        self.one(&format!("{ACCOUNT} WHERE domain_id = ?1"), [domain_id], |row| account(row, 0))
    }

    fn account_counts(&self, no: AccountNo) -> Result<ComplianceCounts> {
        let sql =
            "SELECT compliant, non_compliant, undetermined, exempt FROM account WHERE no = ?1";
        Ok(self.one(sql, [no.0], |row| counts(row, 0))?.unwrap_or_default())
    }

    fn users(&self, account: AccountNo) -> Result<Vec<User>> {
        self.all(&format!("{USER} WHERE account = ?1 ORDER BY no"), [account.0], |row| user(row, 0))
    }

    fn user(&self, no: UserNo) -> Result<Option<User>> {
        self.one(&format!("{USER} WHERE no = ?1"), [no.0], |row| user(row, 0))
    }

    fn access_keys(&self, user: UserNo) -> Result<Vec<AccessKey>> {
        self.all(&format!("{KEY} WHERE user = ?1 ORDER BY created"), [user.0], |row| {
            access_key(row, 0)
        })
    }

    fn access_key_holder(&self, key: &str) -> Result<Option<(AccessKey, User, Account)>> {
        self.one(HOLDER, [key], |row| Ok((access_key(row, 0)?, user(row, 6)?, account(row, 13)?)))
    }

    fn token(&self, sha256: &[u8; 32]) -> Result<Option<(UserNo, Timestamp)>> {
        self.one("SELECT user, expires FROM token WHERE sha256 = ?1", [sha256], |row| {
            Ok((UserNo(row.get(0)?), Timestamp(row.get(1)?)))
        })
    }
}

impl WriteAccounts for Tx<'_> {
    fn set_meta(&self, name: &str, value: &[u8]) -> Result<()> {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.execute(sql, params![name, value]).map(drop)
    }

    fn insert_account(&self, account: &Account) -> Result<AccountNo> {
        self.connection
            .prepare_cached(
                "INSERT INTO account (domain_id, name, created, recorder_enabled)
                 VALUES (?1, ?2, ?3, ?4)",
            )
            .map_err(failed("insert an account"))?
            .execute(params![
                account.domain_id,
                account.name,
                account.created.0,
                account.recorder.enabled
            ])
            .map_err(inserted("insert an account", "an account of this name or id exists"))?;
        Ok(AccountNo(self.inserted_row()))
    }

    fn bump_rules_version(&self, no: AccountNo) -> Result<()> {
        let sql = "UPDATE account SET rules_version = rules_version + 1 WHERE no = ?1";
        self.execute(sql, [no.0]).map(drop)
    }

    fn add_account_counts(&self, no: AccountNo, delta: ComplianceCounts) -> Result<()> {
        if delta.is_zero() {
            return Ok(());
        }
        let sql =
            "UPDATE account SET compliant = compliant + ?2, non_compliant = non_compliant + ?3,
                   undetermined = undetermined + ?4, exempt = exempt + ?5 WHERE no = ?1";
        let ComplianceCounts { compliant, non_compliant, undetermined, exempt } = delta;
        self.execute(sql, [no.0, compliant, non_compliant, undetermined, exempt]).map(drop)
    }

    fn insert_user(&self, user: &User) -> Result<UserNo> {
        self.connection
            .prepare_cached(
                "INSERT INTO user (account, id, name, role, password_hash, created)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(failed("insert a user"))?
            .execute(params![
                user.account.0,
                user.id,
                user.name,
                user.role.name(),
                user.password_hash,
                user.created.0
            ])
            .map_err(inserted("insert a user", "a user of this name exists in the account"))?;
        Ok(UserNo(self.inserted_row()))
    }

    fn delete_user(&self, no: UserNo) -> Result<()> {
        self.execute("DELETE FROM access_key WHERE user = ?1", [no.0])?;
        self.execute("DELETE FROM token WHERE user = ?1", [no.0])?;
        self.execute("DELETE FROM user WHERE no = ?1", [no.0]).map(drop)
    }

    fn insert_access_key(&self, key: &AccessKey) -> Result<()> {
        let sql = "INSERT INTO access_key
                   (access_key, user, sealed_secret, token_sha256, expires, created)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let expires = key.expires.map(|at| at.0);
        self.execute(
            sql,
            params![
                key.access_key,
                key.user.0,
                key.sealed_secret,
                key.token_sha256,
                expires,
                key.created.0
            ],
        )
        .map(drop)
    }

    fn delete_access_key(&self, access_key: &str) -> Result<bool> {
        Ok(self.execute("DELETE FROM access_key WHERE access_key = ?1", [access_key])? > 0)
    }

    fn insert_token(
        &self,
        sha256: &[u8; 32],
        user: UserNo,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        self.execute("DELETE FROM token WHERE expires < ?1", [now.0])?;
        let sql = "INSERT INTO token (sha256, user, expires) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![sha256, user.0, expires.0]).map(drop)
    }
}
