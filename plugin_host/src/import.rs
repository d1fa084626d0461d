//! Adapters: DataFusion's traits over what a plugin exports.

pub(crate) mod async_scalar;
pub(crate) mod exchange;
pub(crate) mod metrics;
pub(crate) mod origin;
pub(crate) mod scalar;
pub(crate) mod settings;
