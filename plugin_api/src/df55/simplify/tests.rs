//! Both directions in one process, against the same function linked in.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fidelity;
mod fixture;
mod functions;
mod spark;
