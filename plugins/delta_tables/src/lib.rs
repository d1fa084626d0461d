//! Delta Lake tables: read, travelled through time, written and maintained.
//!
//! `plugins/delta` makes a plugin of this crate. Linked in, its functions and its factory are
//! registered like any others:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use datafusion::prelude::SessionContext;
//! use datafusion_delta_tables::{
//!     DELTATABLE, DeltaTableFactory, Options, WholeStatements, table_functions,
//! };
//!
//! # async fn example() -> datafusion::error::Result<()> {
//! let options = Options::default();
//! let context = SessionContext::new();
//! for (name, function, _) in table_functions(&options)? {
//!     context.register_udtf(name, Arc::new(function));
//! }
//! context.add_analyzer_rule(Arc::new(WholeStatements));
//! let factory = Arc::new(DeltaTableFactory::new(&options)?);
//! let state = context.state_ref();
//! state.write().table_factories_mut().insert(DELTATABLE.into(), factory);
//!
//! context.sql("create external table orders stored as deltatable location '/data/orders'").await?;
//! context.sql("delete from orders where day < date '2020-01-01'").await?.collect().await?;
//! context.sql("select * from read_delta('/data/orders', 3)").await?.show().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - Planning changes nothing, and neither does `EXPLAIN`. A statement that changes a table does so
//!   in one commit when it is executed, or not at all. Files that a failed or lost write leaves
//!   behind belong to no version; `delta_vacuum(uri, null, false, 'full')` removes them.
//! - A commit that loses a race is tried again where the other writer's changes do not touch what
//!   it read, and is reported as a conflict otherwise.
//! - A table that needs features of the protocol beyond those in [`Options`] is refused by name.
//! - A constraint that a write cannot check is an error.
//! - `DELETE` without a predicate is refused unless [`Options`] allow it.
//!
//! # Features
//!
//! - `s3`: tables in S3. Local tables always work.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")
)]

mod action;
mod constraints;
mod error;
mod factory;
mod functions;
mod location;
mod log;
mod moment;
mod once;
mod open;
mod options;
mod protocol;
mod runtime;
mod session;
mod storage;
mod table;
mod whole;

pub use factory::{DELTATABLE, DeltaTableFactory};
pub use functions::{DeltaFunction, table_functions};
pub use options::Options;
pub use whole::WholeStatements;
