//! The functions of a session, live or being built.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    catalog::{
        CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, MemorySchemaProvider,
        SchemaProvider, TableFunction, TableFunctionImpl, TableProviderFactory,
    },
    common::{config::ConfigOptions, plan_err},
    execution::{
        FunctionRegistry, SessionState, SessionStateDefaults, context::FunctionFactory,
        runtime_env::RuntimeEnv, session_state::SessionStateBuilder,
    },
    logical_expr::{
        AggregateUDF, ScalarUDF, WindowUDF,
        planner::{ExprPlanner, RelationPlanner, TypePlanner},
    },
    optimizer::AnalyzerRule,
    prelude::SessionConfig,
};
use datafusion_plugin_api::abi::message::RuleStage;
use futures::FutureExt;

use super::{
    factories,
    names::Namespace,
    options,
    planners::{self, NewPlanners},
    prepared,
    replace::VacantCatalog,
    report::LeftOut,
    rules::{self, BuildingRules, NewRules},
};
use crate::{
    import::{
        catalog::PluginCatalog,
        imported::Named,
        options::SessionOptions,
        planner::TypePlanners,
        table::{PluginTable, PluginTableFactory, PluginTableFunction},
    },
    policy,
};

/// Where functions are looked up and registered.
pub(super) trait Functions {
    fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>>;
    fn aggregate(&self, name: &str) -> Option<&Arc<AggregateUDF>>;
    fn window(&self, name: &str) -> Option<&Arc<WindowUDF>>;
    fn table(&self, name: &str) -> Option<&Arc<TableFunction>>;
    fn table_factory(&self, name: &str) -> Option<&Arc<dyn TableProviderFactory>>;
    /// The catalogs, and the name of the one that bare schemas are in; none before they are made.
    fn catalogs(&self) -> Option<(&Arc<dyn CatalogProviderList>, String)>;
    fn register(&mut self, named: Named);
    /// Whether the session has this planner.
    fn has_planner(&self, planner: &Named) -> bool;
    /// Registers planners, before those that are there; the first is asked first.
    fn register_planners(&mut self, planners: NewPlanners);
    /// Registers rules, where each asks to stand.
    fn register_rules(&mut self, rules: NewRules);
    /// Whether the session has this rule.
    fn has_rule(&self, rule: &Named) -> bool;
    /// Whether the session has a rule of this stage and name.
    fn has_rule_named(&self, stage: RuleStage, name: &str) -> bool;
    /// The session's function factory.
    fn factory(&self) -> Option<&Arc<dyn FunctionFactory>>;
    /// Puts another in its place.
    fn set_factory(&mut self, factory: Arc<dyn FunctionFactory>);
    /// The session's configuration; none before it is made.
    fn config(&self) -> Option<&ConfigOptions>;
    /// Registers the planner once, however often it is called.
    fn register_relation_planner(&mut self, planner: Arc<dyn RelationPlanner>);
    /// Registers the rule once, however often it is called.
    fn register_analyzer_rule(&mut self, rule: Arc<dyn AnalyzerRule + Send + Sync>);

    /// Whether the session has to be built anew to take this.
    fn is_rebuilt_for(&self, _named: &Named) -> bool {
        false
    }

    /// Whether the session has statements that are lost when it is built anew.
    fn has_prepared_statements(&self) -> bool {
        false
    }

    /// Why the session cannot have this.
    fn leaves_out(&self, named: &Named) -> Option<LeftOut> {
        match named {
            Named::Options(options) => options::left_out(self.config()?, options),
            _ => None,
        }
    }

    /// Whether the session has this function under its name and aliases.
    fn has(&self, named: &Named) -> bool {
        let all = |name: &str, aliases: &[String], found: &dyn Fn(&str) -> bool| {
            std::iter::once(name)
                .chain(aliases.iter().map(String::as_str))
                .all(found)
        };
        match named {
            Named::Scalar(udf) => all(udf.name(), udf.aliases(), &|name| {
                self.scalar(name) == Some(udf)
            }),
            Named::Aggregate(udf) => all(udf.name(), udf.aliases(), &|name| {
                self.aggregate(name) == Some(udf)
            }),
            Named::Window(udf) => all(udf.name(), udf.aliases(), &|name| {
                self.window(name) == Some(udf)
            }),
            Named::Table(name, function) => self.has_table(name, function),
            Named::TableProvider(schema, name, table) => self.has_provider(schema, name, table),
            Named::TableFactory(name, factory) => self.has_factory(name, factory),
            Named::Catalog(name, catalog) => self.has_catalog(name, catalog),
            Named::RelationPlanner(_) | Named::ExprPlanner(_) | Named::TypePlanner(_) => {
                self.has_planner(named)
            }
            Named::Rule(_) | Named::PhysicalRule(_) => self.has_rule(named),
            Named::FunctionFactory(factory) => factories::has(self, factory),
            Named::Options(options) => {
                let config = self.config();
                config.is_some_and(|config| SessionOptions::has(config, options))
            }
        }
    }

    fn has_provider(&self, schema: &str, name: &str, table: &PluginTable) -> bool {
        let schema = self
            .catalogs()
            .and_then(|(list, default)| list.catalog(&default)?.schema(schema));
        // What the host put there is a schema in memory, which answers at once.
        schema
            .and_then(|schema| schema.table(name).now_or_never()?.ok()?)
            .is_some_and(|found| found.downcast_ref::<PluginTable>() == Some(table))
    }

    fn has_factory(&self, name: &str, factory: &PluginTableFactory) -> bool {
        // A factory cannot be asked for its type; one object serves all sessions.
        let address = std::ptr::from_ref(factory).cast::<()>();
        self.table_factory(name)
            .is_some_and(|found| Arc::as_ptr(found).cast::<()>() == address)
    }

    fn has_catalog(&self, name: &str, catalog: &PluginCatalog) -> bool {
        self.catalogs()
            .and_then(|(list, _)| list.catalog(name))
            .is_some_and(|found| {
                let found: &dyn std::any::Any = found.as_ref();
                found.downcast_ref::<PluginCatalog>() == Some(catalog)
            })
    }

    fn has_table(&self, name: &str, function: &PluginTableFunction) -> bool {
        self.table(name)
            .and_then(|found| {
                let found: &dyn TableFunctionImpl = found.function().as_ref();
                (found as &dyn std::any::Any).downcast_ref::<PluginTableFunction>()
            })
            .is_some_and(|found| found == function)
    }

    /// Whether something that is none of `own` has the name.
    fn is_taken(&self, namespace: Namespace, name: &str, own: &[Named]) -> bool {
        // Of kinds without aliases, what is one's own is under this very name.
        let has_own = || own.iter().any(|own| self.has(own));
        match namespace {
            Namespace::Tables => self.table(name).is_some() && !has_own(),
            Namespace::TableProviders | Namespace::Planners => false,
            Namespace::TableFactories => self.table_factory(name).is_some() && !has_own(),
            Namespace::Catalogs => {
                let found = self.catalogs().and_then(|(list, _)| list.catalog(name));
                found.is_some_and(|found| !is_vacant(&found)) && !has_own()
            }
            Namespace::Functions => {
                let foreign_scalar = self.scalar(name).is_some_and(|found| {
                    !own.iter()
                        .any(|own| matches!(own, Named::Scalar(own) if own == found))
                });
                let foreign_aggregate = self.aggregate(name).is_some_and(|found| {
                    !own.iter()
                        .any(|own| matches!(own, Named::Aggregate(own) if own == found))
                });
                let foreign_window = self.window(name).is_some_and(|found| {
                    !own.iter()
                        .any(|own| matches!(own, Named::Window(own) if own == found))
                });
                foreign_scalar || foreign_aggregate || foreign_window
            }
        }
    }
}

/// Whether nobody has the catalog any more: another may have its name.
fn is_vacant(catalog: &Arc<dyn CatalogProvider>) -> bool {
    let catalog: &dyn std::any::Any = catalog.as_ref();
    let retired = |catalog: &PluginCatalog| catalog.origin().plugin().is_retired();
    catalog.is::<VacantCatalog>() || catalog.downcast_ref().is_some_and(retired)
}

impl Functions for SessionState {
    fn is_rebuilt_for(&self, named: &Named) -> bool {
        match named {
            Named::ExprPlanner(_) | Named::TypePlanner(_) | Named::PhysicalRule(_) => true,
            Named::Rule(rule) => !rules::is_appended(rule),
            _ => false,
        }
    }

    fn has_prepared_statements(&self) -> bool {
        prepared::has_statements(self)
    }

    fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>> {
        self.scalar_functions().get(name)
    }

    fn aggregate(&self, name: &str) -> Option<&Arc<AggregateUDF>> {
        self.aggregate_functions().get(name)
    }

    fn window(&self, name: &str) -> Option<&Arc<WindowUDF>> {
        self.window_functions().get(name)
    }

    fn table(&self, name: &str) -> Option<&Arc<TableFunction>> {
        self.table_functions().get(name)
    }

    fn table_factory(&self, name: &str) -> Option<&Arc<dyn TableProviderFactory>> {
        self.table_factories().get(name)
    }

    fn catalogs(&self) -> Option<(&Arc<dyn CatalogProviderList>, String)> {
        let default = self.config_options().catalog.default_catalog.clone();
        // Under the guard of policies, the catalogs are not what they were registered as.
        Some((policy::plain::registered(self), default))
    }

    fn register(&mut self, named: Named) {
        // A session's own registry takes every function: these results are always `Ok`.
        match named {
            Named::Scalar(udf) => drop(self.register_udf(udf)),
            Named::Aggregate(udf) => drop(self.register_udaf(udf)),
            Named::Window(udf) => drop(self.register_udwf(udf)),
            Named::Table(name, function) => self.register_udtf(&name, function),
            Named::TableFactory(name, factory) => {
                self.table_factories_mut().insert(name, factory);
            }
            Named::Catalog(name, catalog) => {
                policy::plain::registered(self).register_catalog(name, catalog);
            }
            Named::TableProvider(schema, name, table) => {
                let default = &self.config_options().catalog.default_catalog;
                register_table(
                    policy::plain::registered(self),
                    default,
                    &schema,
                    name,
                    table,
                );
            }
            Named::Options(options) => {
                SessionOptions::add(self.config_mut().options_mut(), options);
            }
            // These come all at once.
            Named::RelationPlanner(_)
            | Named::ExprPlanner(_)
            | Named::TypePlanner(_)
            | Named::Rule(_)
            | Named::PhysicalRule(_)
            | Named::FunctionFactory(_) => {}
        }
    }

    fn has_planner(&self, planner: &Named) -> bool {
        match planner {
            Named::TypePlanner(_) => {
                let mut builder = SessionStateBuilder::new_from_existing(self.clone());
                planners::is_type_planner(planner, builder.type_planner().as_ref())
            }
            planner => planners::is_among(planner, self.relation_planners(), self.expr_planners()),
        }
    }

    fn register_planners(&mut self, planners: NewPlanners) {
        planners.register_live(self);
    }

    fn register_rules(&mut self, rules: NewRules) {
        rules.register_live(self);
    }

    fn has_rule(&self, rule: &Named) -> bool {
        rules::is_among(
            rule,
            &self.analyzer().rules,
            self.optimizers(),
            self.physical_optimizers(),
        )
    }

    fn has_rule_named(&self, stage: RuleStage, name: &str) -> bool {
        rules::is_named(
            stage,
            name,
            &self.analyzer().rules,
            self.optimizers(),
            self.physical_optimizers(),
        )
    }

    fn factory(&self) -> Option<&Arc<dyn FunctionFactory>> {
        self.function_factory()
    }

    fn set_factory(&mut self, factory: Arc<dyn FunctionFactory>) {
        self.set_function_factory(factory);
    }

    fn config(&self) -> Option<&ConfigOptions> {
        Some(self.config_options())
    }

    fn register_relation_planner(&mut self, planner: Arc<dyn RelationPlanner>) {
        if !self
            .relation_planners()
            .iter()
            .any(|known| Arc::ptr_eq(known, &planner))
        {
            drop(SessionState::register_relation_planner(self, planner));
        }
    }

    fn register_analyzer_rule(&mut self, rule: Arc<dyn AnalyzerRule + Send + Sync>) {
        if !self
            .analyzer()
            .rules
            .iter()
            .any(|known| Arc::ptr_eq(known, &rule))
        {
            self.add_analyzer_rule(rule);
        }
    }
}

/// A list of a builder: the last function of a name is the one that is built.
macro_rules! last_named {
    ($list:expr, $name:expr) => {
        $list
            .iter()
            .rev()
            .find(|udf| udf.name() == $name || udf.aliases().iter().any(|a| a == $name))
    };
}

/// The lists of a builder can be read through `&mut` alone, so they stand here until committed.
pub(super) struct Building {
    scalar: Vec<Arc<ScalarUDF>>,
    aggregate: Vec<Arc<AggregateUDF>>,
    window: Vec<Arc<WindowUDF>>,
    table: HashMap<String, Arc<TableFunction>>,
    table_factories: Option<HashMap<String, Arc<dyn TableProviderFactory>>>,
    config: Option<SessionConfig>,
    catalogs: Option<Arc<dyn CatalogProviderList>>,
    runtime: Option<Arc<RuntimeEnv>>,
    relation_planners: Vec<Arc<dyn RelationPlanner>>,
    expr_planners: Vec<Arc<dyn ExprPlanner>>,
    type_planner: Option<Arc<dyn TypePlanner>>,
    function_factory: Option<Arc<dyn FunctionFactory>>,
    rules: BuildingRules,
}

impl Building {
    pub(super) fn take(builder: &mut SessionStateBuilder) -> Self {
        Self {
            scalar: builder.scalar_functions().take().unwrap_or_default(),
            aggregate: builder.aggregate_functions().take().unwrap_or_default(),
            window: builder.window_functions().take().unwrap_or_default(),
            table: builder.table_functions().take().unwrap_or_default(),
            table_factories: builder.table_factories().take(),
            config: builder.config().take(),
            catalogs: builder.catalog_list().take(),
            runtime: builder.runtime_env().clone(),
            relation_planners: builder.relation_planners().take().unwrap_or_default(),
            expr_planners: builder.expr_planners().take().unwrap_or_default(),
            type_planner: builder.type_planner().take(),
            function_factory: builder.function_factory().take(),
            rules: BuildingRules::take(builder),
        }
    }

    pub(super) fn put_back(self, builder: &mut SessionStateBuilder) {
        *builder.scalar_functions() = Some(self.scalar);
        *builder.aggregate_functions() = Some(self.aggregate);
        *builder.window_functions() = Some(self.window);
        *builder.table_functions() = Some(self.table);
        *builder.table_factories() = self.table_factories;
        *builder.config() = self.config;
        *builder.catalog_list() = self.catalogs;
        *builder.relation_planners() = Some(self.relation_planners);
        *builder.expr_planners() = Some(self.expr_planners);
        *builder.type_planner() = self.type_planner;
        *builder.function_factory() = self.function_factory;
        self.rules.put_back(builder);
    }
}

impl Building {
    /// The catalogs with the default one in them, which the builder would only make at its end.
    fn made_catalogs(&mut self) -> (&Arc<dyn CatalogProviderList>, String) {
        let config = self.config.take().unwrap_or_default();
        let default = config.options().catalog.default_catalog.clone();
        let catalogs = self
            .catalogs
            .get_or_insert_with(|| Arc::new(MemoryCatalogProviderList::new()));
        if config.create_default_catalog_and_schema() {
            let runtime = self.runtime.clone().unwrap_or_default();
            let factories = self.table_factories.clone().unwrap_or_default();
            let catalog = SessionStateDefaults::default_catalog(&config, &factories, &runtime);
            catalogs.register_catalog(default.clone(), Arc::new(catalog));
        }
        self.config = Some(config.with_create_default_catalog_and_schema(false));
        (catalogs, default)
    }
}

/// Registers a table in a schema of the default catalog, which is made when it is not there.
fn register_table(
    catalogs: &Arc<dyn CatalogProviderList>,
    catalog: &str,
    schema: &str,
    name: String,
    table: Arc<PluginTable>,
) {
    let register = || {
        let Some(catalog) = catalogs.catalog(catalog) else {
            return plan_err!("there is no catalog '{catalog}'");
        };
        let provider = match catalog.schema(schema) {
            Some(provider) => provider,
            None => {
                let provider: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(schema, Arc::clone(&provider))?;
                provider
            }
        };
        if provider.table_exist(&name) {
            provider.deregister_table(&name)?;
        }
        provider.register_table(name.clone(), table).map(drop)
    };
    if let Err(error) = register() {
        tracing::error!(schema, table = name, %error, "not registered");
    }
}

impl Functions for Building {
    fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>> {
        last_named!(self.scalar, name)
    }

    fn aggregate(&self, name: &str) -> Option<&Arc<AggregateUDF>> {
        last_named!(self.aggregate, name)
    }

    fn window(&self, name: &str) -> Option<&Arc<WindowUDF>> {
        last_named!(self.window, name)
    }

    fn table(&self, name: &str) -> Option<&Arc<TableFunction>> {
        self.table.get(name)
    }

    fn table_factory(&self, name: &str) -> Option<&Arc<dyn TableProviderFactory>> {
        self.table_factories.as_ref()?.get(name)
    }

    fn catalogs(&self) -> Option<(&Arc<dyn CatalogProviderList>, String)> {
        let options = self.config.as_ref().map(SessionConfig::options);
        let default = options.map(|options| options.catalog.default_catalog.clone());
        Some((self.catalogs.as_ref()?, default.unwrap_or_default()))
    }

    fn register(&mut self, named: Named) {
        match named {
            Named::Scalar(udf) => self.scalar.push(udf),
            Named::Aggregate(udf) => self.aggregate.push(udf),
            Named::Window(udf) => self.window.push(udf),
            Named::Table(name, function) => {
                let function = TableFunction::new(name.clone(), function);
                self.table.insert(name, Arc::new(function));
            }
            Named::TableFactory(name, factory) => {
                let factories = self.table_factories.get_or_insert_default();
                factories.insert(name, factory);
            }
            Named::Catalog(name, catalog) => {
                let (catalogs, _) = self.made_catalogs();
                catalogs.register_catalog(name, catalog);
            }
            Named::TableProvider(schema, name, table) => {
                let (catalogs, default) = self.made_catalogs();
                register_table(catalogs, &default, &schema, name, table);
            }
            Named::Options(options) => {
                let config = self.config.get_or_insert_default();
                SessionOptions::add(config.options_mut(), options);
            }
            // These come all at once.
            Named::RelationPlanner(_)
            | Named::ExprPlanner(_)
            | Named::TypePlanner(_)
            | Named::Rule(_)
            | Named::PhysicalRule(_)
            | Named::FunctionFactory(_) => {}
        }
    }

    fn has_planner(&self, planner: &Named) -> bool {
        match planner {
            Named::TypePlanner(_) => planners::is_type_planner(planner, self.type_planner.as_ref()),
            planner => planners::is_among(planner, &self.relation_planners, &self.expr_planners),
        }
    }

    fn register_planners(&mut self, planners: NewPlanners) {
        let relations = planners.relations.into_iter();
        self.relation_planners.splice(
            0..0,
            relations.map(|planner| planner as Arc<dyn RelationPlanner>),
        );
        // DataFusion's own answers everything, so these stand before it.
        let expressions = planners.expressions.into_iter();
        self.expr_planners.splice(
            0..0,
            expressions.map(|planner| planner as Arc<dyn ExprPlanner>),
        );
        if !planners.types.is_empty() {
            let slot = self.type_planner.take();
            self.type_planner = Some(TypePlanners::before(planners.types, slot));
        }
    }

    fn register_rules(&mut self, rules: NewRules) {
        rules.place_among(&mut self.rules);
    }

    fn has_rule(&self, rule: &Named) -> bool {
        self.rules.has(rule)
    }

    fn has_rule_named(&self, stage: RuleStage, name: &str) -> bool {
        self.rules.has_named(stage, name)
    }

    fn factory(&self) -> Option<&Arc<dyn FunctionFactory>> {
        self.function_factory.as_ref()
    }

    fn set_factory(&mut self, factory: Arc<dyn FunctionFactory>) {
        self.function_factory = Some(factory);
    }

    fn config(&self) -> Option<&ConfigOptions> {
        let options = self.config.as_ref().map(SessionConfig::options);
        options.map(Arc::as_ref)
    }

    fn register_relation_planner(&mut self, planner: Arc<dyn RelationPlanner>) {
        if !self
            .relation_planners
            .iter()
            .any(|known| Arc::ptr_eq(known, &planner))
        {
            self.relation_planners.insert(0, planner);
        }
    }

    fn register_analyzer_rule(&mut self, rule: Arc<dyn AnalyzerRule + Send + Sync>) {
        self.rules.append(rule);
    }
}
