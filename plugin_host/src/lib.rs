//! Host.
pub mod artifact;
pub mod config;
pub mod discover;
mod import;
pub mod judge;
mod load;
