//! Accounts, users, keys and tokens.

use ruleward_types::{
    AccessKey, Account, AccountNo, ComplianceCounts, Result, Timestamp, User, UserNo,
};

/// Reading them.
pub trait ReadAccounts {
    /// A small value of the server itself.
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>>;
    /// All accounts, oldest first.
    fn accounts(&self) -> Result<Vec<Account>>;
    /// The account of that row.
    fn account(&self, no: AccountNo) -> Result<Option<Account>>;
    /// The account's `rules_version` alone.
    fn rules_version(&self, no: AccountNo) -> Result<Option<i64>>;
    /// The account of that `domain_id`.
    fn account_by_domain(&self, domain_id: &str) -> Result<Option<Account>>;
    /// Resources of the account by verdict, each counted once.
    fn account_counts(&self, no: AccountNo) -> Result<ComplianceCounts>;
    /// The users of an account, oldest first.
    fn users(&self, account: AccountNo) -> Result<Vec<User>>;
    /// The user of that row.
    fn user(&self, no: UserNo) -> Result<Option<User>>;
    /// The keys of a user, oldest first.
    fn access_keys(&self, user: UserNo) -> Result<Vec<AccessKey>>;
    /// The key of that id, whose it is, and the user's account.
    fn access_key_holder(&self, access_key: &str) -> Result<Option<(AccessKey, User, Account)>>;
    /// Whose token it is and when it ends.
    fn token(&self, sha256: &[u8; 32]) -> Result<Option<(UserNo, Timestamp)>>;
}

/// Changing them.
pub trait WriteAccounts {
    /// Sets a small value of the server itself.
    fn set_meta(&self, name: &str, value: &[u8]) -> Result<()>;
    /// Adds an account; its `no` is chosen here.
    fn insert_account(&self, account: &Account) -> Result<AccountNo>;
    /// Moves the version of the account's rules.
    fn bump_rules_version(&self, no: AccountNo) -> Result<()>;
    /// Moves the account's kept numbers.
    fn add_account_counts(&self, no: AccountNo, delta: ComplianceCounts) -> Result<()>;
    /// Adds a user; its `no` is chosen here.
    fn insert_user(&self, user: &User) -> Result<UserNo>;
    /// Removes a user with its keys and tokens.
    fn delete_user(&self, no: UserNo) -> Result<()>;
    /// Adds a key.
    fn insert_access_key(&self, key: &AccessKey) -> Result<()>;
    /// Removes a key; false if there is none.
    fn delete_access_key(&self, access_key: &str) -> Result<bool>;
    /// Adds a token and forgets those that ended before `now`.
    fn insert_token(
        &self,
        sha256: &[u8; 32],
        user: UserNo,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<()>;
}
