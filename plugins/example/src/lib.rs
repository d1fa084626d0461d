//! datafusion-plugin-example
