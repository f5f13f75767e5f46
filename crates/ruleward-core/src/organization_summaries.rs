//! An organization in numbers: kept ones, no scan.

use std::cmp::Reverse;

use ruleward_types::{ComplianceCounts, OrganizationSummary, Result};

use crate::Service;
use crate::access::Access;
use crate::organizations::seen;

impl Service {
    /// The resources and rules of every account of an organization and of all together. The worst
    /// accounts come first, at most `limit` of them; the sums are over all.
    pub fn organization_summary(
        &self,
        access: &Access,
        organization_id: &str,
        limit: usize,
    ) -> Result<OrganizationSummary> {
        let mut accounts = self.read(|tx| {
            let organization = seen(tx, access, organization_id)?;
            tx.organization_counts(organization.no)
        })?;
        let (mut resources, mut assignments) =
            (ComplianceCounts::default(), ComplianceCounts::default());
        for account in &accounts {
            resources.add(account.resources);
            assignments.add(account.assignments);
        }
        accounts.sort_by(|one, other| {
            let badness = |of: &ruleward_types::AccountSummary| {
                Reverse((
                    of.resources.non_compliant,
                    of.assignments.non_compliant,
                    of.resources.undetermined,
                ))
            };
            badness(one).cmp(&badness(other)).then_with(|| one.domain_id.cmp(&other.domain_id))
        });
        accounts.truncate(limit);
        Ok(OrganizationSummary {
            organization_id: organization_id.to_owned(),
            resources,
            assignments,
            accounts,
        })
    }
}
