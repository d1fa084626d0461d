//! What the project's tests, benches and demo share.
//!
//! - [`plugins`]: builds the plugins and programs of the workspace and says where they are;
//! - [`conformance`]: what every plugin must hold to;
//! - [`data`]: property-test strategies for Arrow columns of every type that may cross the contract;
//! - [`kept`]: whether what a session had goes with it;
//! - [`tpch`]: TPC-H tables as Parquet files.
//!
//! The tests themselves are in the one integration binary, `tests/main.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this is test code: a failure is to stop the test"
)]

pub mod conformance;
pub mod data;
pub mod kept;
pub mod patch;
pub mod plugins;
pub mod tpch;
