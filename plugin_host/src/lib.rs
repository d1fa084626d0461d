//! datafusion-plugin-host

pub mod artifact;
pub mod config;
pub mod discover;
pub mod judge;
