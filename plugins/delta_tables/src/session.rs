//! The session that `deltalake` plans its own work in.

use std::sync::Arc;

use datafusion::{
    catalog::Session,
    execution::{
        SessionState, SessionStateBuilder, TaskContext, config::SessionConfig,
        runtime_env::RuntimeEnv,
    },
};
use deltalake::delta_datafusion::planner::DeltaPlanner;

/// A session with the caller's settings and runtime environment, so with its memory limit and object
/// stores.
///
/// `deltalake` wants a `SessionState`, and a plugin's session is none; from any other it takes its
/// own defaults.
pub(crate) fn state(config: &SessionConfig, runtime: &Arc<RuntimeEnv>) -> SessionState {
    // Expressions in a table's log name columns as they are written, and join keys of dictionaries
    // make pushed-down lists panic: what `deltalake` sets for its own sessions.
    let config = config
        .clone()
        .set_bool("datafusion.sql_parser.enable_ident_normalization", false)
        .set_usize("datafusion.optimizer.hash_join_inlist_pushdown_max_size", 0)
        .set_usize(
            "datafusion.optimizer.hash_join_inlist_pushdown_max_distinct_values",
            0,
        );
    SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_query_planner(DeltaPlanner::new())
        .build()
}

/// [`state`] for work that runs in `context`.
pub(crate) fn state_in(context: &TaskContext) -> Arc<dyn Session> {
    Arc::new(state(context.session_config(), &context.runtime_env()))
}
