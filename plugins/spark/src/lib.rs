//! datafusion-plugin-spark
