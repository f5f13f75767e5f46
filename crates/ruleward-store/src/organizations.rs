//! Organizations, their units and members, and what their accounts add up to.

use ruleward_types::{
    AccountNo, AccountSummary, Organization, OrganizationMember, OrganizationNo, OrganizationUnit,
    OrganizationUnitNo, Result,
};

/// Reading them.
pub trait ReadOrganizations {
    /// All organizations, oldest first.
    fn organizations(&self) -> Result<Vec<Organization>>;
    /// The organization of that row.
    fn organization(&self, no: OrganizationNo) -> Result<Option<Organization>>;
    /// The organization of that id.
    fn organization_by_id(&self, id: &str) -> Result<Option<Organization>>;
    /// The organization that an account manages or has joined.
    fn organization_of(&self, account: AccountNo) -> Result<Option<Organization>>;
    /// The units of an organization, oldest first.
    fn organization_units(&self, organization: OrganizationNo) -> Result<Vec<OrganizationUnit>>;
    /// The members and the invited of an organization from after an account on, in order.
    fn organization_members(
        &self,
        organization: OrganizationNo,
        after: AccountNo,
        limit: usize,
    ) -> Result<Vec<OrganizationMember>>;
    /// How an account stands to an organization.
    fn organization_member(
        &self,
        organization: OrganizationNo,
        account: AccountNo,
    ) -> Result<Option<OrganizationMember>>;
    /// The management account and all that have joined, in kept numbers, in no order.
    fn organization_counts(&self, organization: OrganizationNo) -> Result<Vec<AccountSummary>>;
}

/// Changing them.
pub trait WriteOrganizations {
    /// Adds an organization; its `no` is chosen here.
    fn insert_organization(&self, organization: &Organization) -> Result<OrganizationNo>;
    /// Adds a unit; its `no` is chosen here. The name has to be free beside its siblings.
    fn insert_organization_unit(&self, unit: &OrganizationUnit) -> Result<OrganizationUnitNo>;
    /// Removes a unit that holds nothing; false if it holds something.
    fn delete_organization_unit(&self, no: OrganizationUnitNo) -> Result<bool>;
    /// Adds or replaces a member. An account joins one organization at most.
    fn put_organization_member(&self, member: &OrganizationMember) -> Result<()>;
    /// Removes a member.
    fn delete_organization_member(
        &self,
        organization: OrganizationNo,
        account: AccountNo,
    ) -> Result<()>;
}
