//! The tests of the policy language and of the catalogue.

#[cfg(test)]
mod binding;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod columns;
#[cfg(test)]
mod comparators;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod files;
#[cfg(test)]
mod formatting;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod json_values;
#[cfg(test)]
mod lints;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod parsing;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod random;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod support;
