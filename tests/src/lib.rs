//! plugin-tests
