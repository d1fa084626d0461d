//! Policies: what a statement is about, whether it may run, and on what part of its tables.
//!
//! A statement goes through four stages. Its *facts* are gathered from plan and text; the *guard*
//! asks every policy and composes what they answer; the plan is *released*: scans of restricted
//! tables become scans of [`restricted`] ones; then it runs. [`GuardedSession`] is the way in that
//! nothing gets round; [`plain`] guards as much of a plain session as DataFusion lets it.

mod ask;
mod catalog;
mod copied;
mod facts;
mod guard;
mod lists;
pub(crate) mod plain;
mod prepared;
mod query;
mod refusal;
mod release;
mod restricted;
mod session;
mod subject;

pub use query::GuardedQuery;
pub use refusal::PolicyRefusal;
pub use session::GuardedSession;
pub use subject::Subject;

pub(crate) use copied::Copied;
pub(crate) use guard::{Guard, SharedGuard};
