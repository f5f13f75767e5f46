//! The use cases, one scenario after the other.

#[cfg(test)]
mod access;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod inventory;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod organization_policy_assignments;
#[cfg(test)]
mod organizations;
#[cfg(test)]
mod past;
#[cfg(test)]
mod policy_assignments;
#[cfg(test)]
mod reported_results;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tracker_config;
