//! The product against the oracle.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod chunks;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod inventory;
#[cfg(test)]
mod periods;
#[cfg(test)]
mod product;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod sequences;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod support;
