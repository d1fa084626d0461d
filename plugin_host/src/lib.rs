//! datafusion-plugin-host
