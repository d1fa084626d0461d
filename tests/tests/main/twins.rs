//! Sessions with the functions of `fixture-twins`, linked in and loaded.

use std::sync::{Arc, LazyLock};

use datafusion::{
    common::config::ConfigOptions,
    execution::{SessionState, SessionStateBuilder},
    logical_expr::{AggregateUDF, ScalarUDF, WindowUDF},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::plugin;

pub(crate) fn host() -> &'static PluginHost {
    static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
        PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("fixture-twin-plugin"))
            .load()
            .unwrap()
    });
    &HOST
}

fn defaults(config: SessionConfig) -> SessionStateBuilder {
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
}

pub(crate) fn linked_in_with(config: SessionConfig) -> SessionContext {
    let context = SessionContext::new_with_state(defaults(config).build());
    for udf in fixture_twins::scalar_functions() {
        context.register_udf(udf.as_ref().clone());
    }
    for udf in fixture_twins::aggregate_functions() {
        context.register_udaf(udf.as_ref().clone());
    }
    for udf in fixture_twins::window_functions() {
        context.register_udwf(udf.as_ref().clone());
    }
    for function in fixture_twins::table_functions() {
        context.register_udtf(function.name(), Arc::clone(function.function()));
    }
    context
}

pub(crate) fn loaded_with(config: SessionConfig) -> SessionContext {
    let context = SessionContext::new_with_state(defaults(config).build());
    let report = host().install(&context);
    assert!(report.qualified_only().next().is_none(), "{report:?}");
    context
}

/// The same functions from both places.
pub(crate) struct Twins {
    pub(crate) linked_in: SessionState,
    pub(crate) loaded: SessionState,
}

/// Of sessions with default settings.
pub(crate) fn twins() -> &'static Twins {
    static TWINS: LazyLock<Twins> = LazyLock::new(|| Twins {
        linked_in: linked_in_with(SessionConfig::new()).state(),
        loaded: loaded_with(SessionConfig::new()).state(),
    });
    &TWINS
}

impl Twins {
    pub(crate) fn scalar(&self, name: &str) -> [Arc<ScalarUDF>; 2] {
        [&self.linked_in, &self.loaded].map(|state| Arc::clone(&state.scalar_functions()[name]))
    }

    pub(crate) fn aggregate(&self, name: &str) -> [Arc<AggregateUDF>; 2] {
        [&self.linked_in, &self.loaded].map(|state| Arc::clone(&state.aggregate_functions()[name]))
    }

    pub(crate) fn window(&self, name: &str) -> [Arc<WindowUDF>; 2] {
        [&self.linked_in, &self.loaded].map(|state| Arc::clone(&state.window_functions()[name]))
    }

    pub(crate) fn options(&self) -> Arc<ConfigOptions> {
        Arc::clone(self.loaded.config_options())
    }
}
