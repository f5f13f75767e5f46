//! The units of organizations: places for members, which nest.

use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::organization::organization_unit_id;
use ruleward_types::{
    Error, ErrorCode, Organization, OrganizationUnit, OrganizationUnitNo, Result, limits,
};

use crate::Service;
use crate::access::Access;
use crate::organizations::{check_name, managed, not_found, seen};

impl Service {
    /// Makes a unit, at the root or in another unit.
    pub fn create_unit(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        name: &str,
        parent: Option<&str>,
    ) -> Result<OrganizationUnit> {
        check_name(name)?;
        let (access, id, name) = (access.clone(), id.to_owned(), name.to_owned());
        let (unit_id, parent) = (organization_unit_id()?, parent.map(str::to_owned));
        self.write(move |writing| {
            let organization = managed(writing.tx, &access, &id)?;
            let parent =
                parent.map(|parent| unit_no(writing.tx, &organization, &parent)).transpose()?;
            if depth(&writing.tx.organization_units(organization.no)?, parent)
                >= limits::ORGANIZATION_UNIT_DEPTH
            {
                let most = limits::ORGANIZATION_UNIT_DEPTH;
                return Err(Error::invalid(format!(
                    "units lie in one another {most} deep at most"
                )));
            }
            let made = OrganizationUnit {
                no: OrganizationUnitNo(0),
                organization: organization.no,
                id: unit_id,
                name,
                parent,
                created: writing.now,
            };
            let no = writing.tx.insert_organization_unit(&made)?;
            Ok(OrganizationUnit { no, ..made })
        })
    }

    /// The units of an organization, oldest first.
    pub fn units(&self, access: &Access, id: &str) -> Result<Vec<OrganizationUnit>> {
        self.read(|tx| tx.organization_units(seen(tx, access, id)?.no))
    }

    /// Removes a unit that holds nothing.
    pub fn delete_unit(self: &Arc<Self>, access: &Access, id: &str, unit: &str) -> Result<()> {
        let (access, id, unit) = (access.clone(), id.to_owned(), unit.to_owned());
        self.write(move |writing| {
            let organization = managed(writing.tx, &access, &id)?;
            let no = unit_no(writing.tx, &organization, &unit)?;
            if writing.tx.delete_organization_unit(no)? {
                Ok(())
            } else {
                Err(Error::new(ErrorCode::UnitInUse))
            }
        })
    }
}

/// The unit of that id, or of that name where only one has it.
pub(crate) fn unit_no(
    tx: &dyn ReadTx,
    organization: &Organization,
    id_or_name: &str,
) -> Result<OrganizationUnitNo> {
    let units = tx.organization_units(organization.no)?;
    if let Some(unit) = units.iter().find(|unit| unit.id == id_or_name) {
        return Ok(unit.no);
    }
    let mut named = units.iter().filter(|unit| unit.name == id_or_name);
    match (named.next(), named.next()) {
        (Some(unit), None) => Ok(unit.no),
        (Some(_), Some(_)) => Err(Error::invalid("several units have this name; use the id")),
        (None, _) => Err(not_found("The organization has no such unit.")),
    }
}

/// How many units lie around a place.
fn depth(units: &[OrganizationUnit], mut place: Option<OrganizationUnitNo>) -> usize {
    let mut depth = 0;
    while let Some(unit) = place.and_then(|no| units.iter().find(|unit| unit.no == no)) {
        depth += 1;
        place = unit.parent;
    }
    depth
}
