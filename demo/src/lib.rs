//! plugin-demo
