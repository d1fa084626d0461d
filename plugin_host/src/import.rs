//! Adapters: DataFusion's traits over what a plugin exports.

pub(crate) mod accumulator;
pub(crate) mod aggregate;
pub(crate) mod arguments;
pub(crate) mod async_scalar;
pub(crate) mod catalog;
pub(crate) mod composed;
mod disposed;
pub(crate) mod drops;
pub(crate) mod exchange;
pub(crate) mod exports;
pub(crate) mod factory;
pub(crate) mod groups_accumulator;
pub(crate) mod health;
pub(crate) mod imported;
mod known;
pub(crate) mod limits;
pub(crate) mod metrics;
pub(crate) mod names;
pub(crate) mod offload;
pub(crate) mod options;
pub(crate) mod origin;
pub(crate) mod partition_evaluator;
pub(crate) mod pending;
pub(crate) mod planner;
pub(crate) mod policy;
pub(crate) mod recent;
pub(crate) mod rule;
pub(crate) mod scalar;
pub(crate) mod settings;
pub(crate) mod table;
pub(crate) mod window;

#[cfg(test)]
mod tests;
