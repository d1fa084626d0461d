//! What a statement is about.

mod identity;
mod lineage;
mod location;
mod record;
mod statement;
mod syntax;

pub(super) use identity::{INFORMATION_SCHEMA, Identified, Identities};
pub(super) use location::location;
pub(super) use statement::{add_beneath, gather, lookup};
pub(super) use syntax::Syntax;
