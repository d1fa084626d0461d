//! datafusion-plugin-host

pub mod artifact;
