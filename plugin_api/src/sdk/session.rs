//! The session that a plugin's tables are planned and run in: the plugin's own, with the host's
//! settings.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use async_trait::async_trait;
use datafusion_common::{
    DFSchema, Result,
    config::{ConfigOptions, TableOptions},
    not_impl_err,
};
use datafusion_execution::{TaskContext, config::SessionConfig, runtime_env::RuntimeEnv};
use datafusion_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, WindowUDF,
    execution_props::ExecutionProps,
    registry::{ExtensionTypeRegistryRef, MemoryExtensionTypeRegistry},
};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{CatalogProviderList, Session};

use crate::{abi::message::Settings, df55::settings::options_from};

/// One for all sessions: object stores that an author registers, and caches, stay.
static RUNTIME: LazyLock<Arc<RuntimeEnv>> = LazyLock::new(Arc::default);

/// The runtime environment of all sessions in here.
#[cfg(feature = "function-factory")]
pub(super) fn runtime_env() -> Arc<RuntimeEnv> {
    Arc::clone(&RUNTIME)
}

#[cfg(feature = "expressions")]
fn extension_types() -> ExtensionTypeRegistryRef {
    Arc::new(MemoryExtensionTypeRegistry::new_with_canonical_extension_types())
}

#[cfg(not(feature = "expressions"))]
fn extension_types() -> ExtensionTypeRegistryRef {
    Arc::new(MemoryExtensionTypeRegistry::new_empty())
}

/// Knows settings and a runtime environment; has no catalog, no functions and no planner.
#[derive(Debug)]
pub(super) struct PluginSession {
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    props: ExecutionProps,
    table_options: TableOptions,
    extension_types: ExtensionTypeRegistryRef,
    scalar: HashMap<String, Arc<ScalarUDF>>,
    higher_order: HashMap<String, Arc<HigherOrderUDF>>,
    aggregate: HashMap<String, Arc<AggregateUDF>>,
    window: HashMap<String, Arc<WindowUDF>>,
}

impl PluginSession {
    pub(super) fn new(settings: &Settings) -> Self {
        let options = ConfigOptions::clone(&options_from(settings));
        Self {
            config: SessionConfig::from(options),
            runtime: Arc::clone(&RUNTIME),
            props: ExecutionProps::new(),
            table_options: TableOptions::new(),
            extension_types: extension_types(),
            scalar: HashMap::new(),
            higher_order: HashMap::new(),
            aggregate: HashMap::new(),
            window: HashMap::new(),
        }
    }
}

#[async_trait]
impl Session for PluginSession {
    fn session_id(&self) -> &str {
        "plugin"
    }

    fn config(&self) -> &SessionConfig {
        &self.config
    }

    fn catalog_list(&self) -> Arc<dyn CatalogProviderList> {
        Arc::new(NoCatalogs)
    }

    async fn create_physical_plan(&self, _: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("a plugin's session plans no queries")
    }

    #[cfg(feature = "expressions")]
    fn create_physical_expr(&self, expr: Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        datafusion_physical_expr::create_physical_expr(
            &expr,
            schema,
            &self.props,
            &datafusion_expr::physical_planning_context::PhysicalPlanningContext::default(),
        )
    }

    // A plugin that is given no expressions does not carry the code that evaluates every kind.
    #[cfg(not(feature = "expressions"))]
    fn create_physical_expr(&self, expr: Expr, _: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        not_impl_err!(
            "an expression for {expr}: the plugin is built without the SDK's feature \
             'table-expressions'"
        )
    }

    fn scalar_functions(&self) -> &HashMap<String, Arc<ScalarUDF>> {
        &self.scalar
    }

    fn higher_order_functions(&self) -> &HashMap<String, Arc<HigherOrderUDF>> {
        &self.higher_order
    }

    fn aggregate_functions(&self) -> &HashMap<String, Arc<AggregateUDF>> {
        &self.aggregate
    }

    fn window_functions(&self) -> &HashMap<String, Arc<WindowUDF>> {
        &self.window
    }

    fn extension_type_registry(&self) -> &ExtensionTypeRegistryRef {
        &self.extension_types
    }

    fn runtime_env(&self) -> &Arc<RuntimeEnv> {
        &self.runtime
    }

    fn execution_props(&self) -> &ExecutionProps {
        &self.props
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn table_options(&self) -> &TableOptions {
        &self.table_options
    }

    fn table_options_mut(&mut self) -> &mut TableOptions {
        &mut self.table_options
    }

    fn task_ctx(&self) -> Arc<TaskContext> {
        Arc::new(TaskContext::from(self as &dyn Session))
    }
}

#[derive(Debug)]
struct NoCatalogs;

impl CatalogProviderList for NoCatalogs {
    fn register_catalog(
        &self,
        _: String,
        _: Arc<dyn datafusion_session::CatalogProvider>,
    ) -> Option<Arc<dyn datafusion_session::CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn catalog(&self, _: &str) -> Option<Arc<dyn datafusion_session::CatalogProvider>> {
        None
    }
}
