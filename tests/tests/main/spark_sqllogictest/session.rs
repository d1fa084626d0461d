//! The sessions that the files run in: DataFusion's defaults, Spark's dialect and expression planner, and
//! functions from one place or another.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use datafusion::common::Result;
use datafusion::common::config::Dialect;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult};
use datafusion::logical_expr::{Expr, ScalarUDF};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_plugin_host::{PluginHost, config::Config};
use datafusion_spark::SessionStateBuilderSpark;
use datafusion_spark::planner::SparkFunctionPlanner;

/// Spark's functions and planner, linked in: the session of `datafusion-sqllogictest`'s own program.
pub async fn linked_in() -> SessionContext {
    let state = defaults().with_spark_features().build();
    SessionContext::new_with_state(state)
}

/// Spark's dialect and planner, but no Spark function.
pub async fn without_functions() -> SessionContext {
    with_planner(async |_| {}).await
}

/// Spark's dialect and planner, and the functions of the loaded plugin.
pub async fn plugin() -> SessionContext {
    static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
        let config = Config::parse("[plugins.spark]\nreplace_builtins = true").unwrap();
        PluginHost::builder()
            .plugin_file(plugin_tests::plugins::plugin("datafusion-plugin-spark"))
            .config(config)
            .load()
            .unwrap()
    });
    with_planner(async |context| {
        let report = HOST.install(context);
        assert_eq!(report.qualified_only().count(), 0, "{report:?}");
    })
    .await
}

/// Spark's dialect and planner, and the functions that `install` brings.
pub async fn with_planner(install: impl AsyncFnOnce(&SessionContext)) -> SessionContext {
    let planner = Arc::new(SessionSparkPlanner::default());
    let mut builder = defaults();
    // Planners are asked in order, and DataFusion's own answers everything.
    let planners = builder.expr_planners().get_or_insert_default();
    planners.insert(0, Arc::clone(&planner) as Arc<dyn ExprPlanner>);
    let context = SessionContext::new_with_state(builder.build());
    install(&context).await;
    planner.resolve_in(&context);
    context
}

fn defaults() -> SessionStateBuilder {
    // As in `TestContext::try_new_for_test_file`: plans must not depend on the machine.
    let mut config = SessionConfig::new().with_target_partitions(4);
    config.options_mut().sql_parser.dialect = Dialect::Spark;
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
}

/// Spark's expression planner with the session's functions in place of those linked into it.
#[derive(Debug, Default)]
struct SessionSparkPlanner {
    functions: OnceLock<HashMap<String, Arc<ScalarUDF>>>,
}

impl SessionSparkPlanner {
    fn resolve_in(&self, context: &SessionContext) {
        let functions = context.state().scalar_functions().clone();
        self.functions.set(functions).unwrap();
    }

    fn resolve(&self, planned: PlannerResult<Vec<Expr>>) -> PlannerResult<Vec<Expr>> {
        let PlannerResult::Planned(Expr::ScalarFunction(call)) = planned else {
            panic!("Spark's planner plans function calls");
        };
        let functions = self.functions.get().unwrap();
        let function = Arc::clone(&functions[call.func.name()]);
        let call = ScalarFunction::new_udf(function, call.args);
        PlannerResult::Planned(Expr::ScalarFunction(call))
    }
}

impl ExprPlanner for SessionSparkPlanner {
    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(self.resolve(SparkFunctionPlanner.plan_extract(args)?))
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(self.resolve(SparkFunctionPlanner.plan_substring(args)?))
    }
}
