//! Host.
mod import;
mod load;
