//! The functions and tables of one activated plugin, taken in.

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF, async_udf::AsyncScalarUDF};
use datafusion_plugin_api::{
    abi::{
        CallError, PluginInstanceObject,
        manifest::CapabilityKind,
        message::{Exports, FunctionDescriptor, FunctionKind, PlannerDescriptor, RuleStage},
    },
    df55::{error::to_call_error, parcel::ParcelContent},
};

use super::{
    aggregate::{AggregateFunction, PluginAggregateUdf},
    async_scalar::{AsyncLimits, PluginAsyncScalarUdf},
    catalog::PluginCatalog,
    exports::{MAX_DESCRIPTION, check_exports},
    factory::PluginFunctionFactory,
    metrics::ItemMetrics,
    options::PluginOptions,
    origin::{Activated, Origin},
    planner::{PluginExprPlanner, PluginRelationPlanner, PluginTypePlanner},
    rule::{PluginPhysicalRule, PluginRule},
    scalar::{PluginScalarUdf, ScalarFunction},
    table::{PluginTable, PluginTableFactory, PluginTableFunction, TableFunction},
    window::{PluginWindowUdf, WindowFunction},
};
use datafusion::arrow::datatypes::DataType;

/// The kind of an item, as people call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ItemKind {
    /// A scalar function.
    Scalar,
    /// An async scalar function.
    AsyncScalar,
    /// An aggregate function.
    Aggregate,
    /// A window function.
    Window,
    /// A table function.
    Table,
    /// A table.
    TableProvider,
    /// A table factory, for `CREATE EXTERNAL TABLE ... STORED AS`.
    TableFactory,
    /// A catalog.
    Catalog,
    /// A relation planner.
    RelationPlanner,
    /// An expression planner.
    ExprPlanner,
    /// A type planner.
    TypePlanner,
    /// A policy.
    Policy,
    /// An analyzer rule.
    AnalyzerRule,
    /// An optimizer rule.
    OptimizerRule,
    /// A physical optimizer rule.
    PhysicalOptimizerRule,
    /// A function factory, for `CREATE FUNCTION`.
    FunctionFactory,
    /// Session options, for `SET`.
    Options,
}

impl std::fmt::Display for ItemKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::AsyncScalar => "async scalar",
            Self::Aggregate => "aggregate",
            Self::Window => "window",
            Self::Table => "table",
            Self::TableProvider => "table provider",
            Self::TableFactory => "table factory",
            Self::Catalog => "catalog",
            Self::RelationPlanner => "relation planner",
            Self::ExprPlanner => "expression planner",
            Self::TypePlanner => "type planner",
            Self::Policy => "policy",
            Self::AnalyzerRule => "analyzer rule",
            Self::OptimizerRule => "optimizer rule",
            Self::PhysicalOptimizerRule => "physical optimizer rule",
            Self::FunctionFactory => "function factory",
            Self::Options => "session options",
        })
    }
}

/// An item of a plugin, not yet under a name.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) kind: ItemKind,
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) metrics: Arc<ItemMetrics>,
    function: Function,
}

#[derive(Debug)]
enum Function {
    Scalar(Arc<ScalarFunction>),
    AsyncScalar(Arc<ScalarFunction>, AsyncLimits),
    Aggregate(Arc<AggregateFunction>),
    Window(Arc<WindowFunction>),
    Table(Arc<TableFunction>),
    TableProvider(Arc<PluginTable>),
    TableFactory(Arc<PluginTableFactory>),
    Catalog(Arc<PluginCatalog>),
    RelationPlanner(Arc<PluginRelationPlanner>),
    ExprPlanner(Arc<PluginExprPlanner>),
    TypePlanner(Arc<PluginTypePlanner>),
    Rule(Arc<PluginRule>),
    PhysicalRule(Arc<PluginPhysicalRule>),
    Factory(Arc<PluginFunctionFactory>),
    Options(Arc<PluginOptions>),
}

/// A function under a name, as a session takes it.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    Scalar(Arc<ScalarUDF>),
    Aggregate(Arc<AggregateUDF>),
    Window(Arc<WindowUDF>),
    Table(String, Arc<PluginTableFunction>),
    /// Schema, table name, table.
    TableProvider(String, String, Arc<PluginTable>),
    TableFactory(String, Arc<PluginTableFactory>),
    Catalog(String, Arc<PluginCatalog>),
    RelationPlanner(Arc<PluginRelationPlanner>),
    ExprPlanner(Arc<PluginExprPlanner>),
    TypePlanner(Arc<PluginTypePlanner>),
    Rule(Arc<PluginRule>),
    PhysicalRule(Arc<PluginPhysicalRule>),
    FunctionFactory(Arc<PluginFunctionFactory>),
    Options(Arc<PluginOptions>),
}

impl Named {
    /// Planners, rules and factories: nobody calls them by a name.
    pub(crate) fn is_nameless(&self) -> bool {
        matches!(
            self,
            Self::RelationPlanner(_)
                | Self::ExprPlanner(_)
                | Self::TypePlanner(_)
                | Self::Rule(_)
                | Self::PhysicalRule(_)
                | Self::FunctionFactory(_)
        )
    }

    /// Where a planner, rule or factory comes from.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match self {
            Self::RelationPlanner(planner) => Some(planner.origin()),
            Self::ExprPlanner(planner) => Some(planner.origin()),
            Self::TypePlanner(planner) => Some(planner.origin()),
            Self::Rule(rule) => Some(rule.origin()),
            Self::PhysicalRule(rule) => Some(rule.origin()),
            Self::FunctionFactory(factory) => Some(factory.origin()),
            _ => None,
        }
    }

    /// Whether this planner, rule or factory can stand where `old` does: the same item of the same
    /// plugin, and a rule with the same place.
    pub(crate) fn succeeds(&self, old: &Self) -> bool {
        let place = match (self, old) {
            (Self::Rule(a), Self::Rule(b)) => {
                a.stage() == b.stage() && a.position() == b.position()
            }
            (Self::PhysicalRule(a), Self::PhysicalRule(b)) => a.position() == b.position(),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        };
        let item = |named: &Self| {
            let origin = named.origin()?;
            Some((origin.plugin().name().to_owned(), origin.item().to_owned()))
        };
        place && item(self).is_some() && item(self) == item(old)
    }
}

impl Imported {
    /// The function under `name` and `aliases`. Most kinds know aliases; the others come once per
    /// name.
    pub(crate) fn under(&self, name: &str, aliases: &[String]) -> Vec<Named> {
        let each = || std::iter::once(name).chain(aliases.iter().map(String::as_str));
        let (name, aliases) = (name.to_owned(), aliases.to_vec());
        match &self.function {
            Function::Scalar(function) => {
                let udf = PluginScalarUdf::new(name, aliases, Arc::clone(function));
                vec![Named::Scalar(Arc::new(udf.into()))]
            }
            Function::AsyncScalar(function, limits) => each()
                .map(|name| {
                    let udf =
                        PluginScalarUdf::new(name.to_owned(), Vec::new(), Arc::clone(function));
                    let udf =
                        AsyncScalarUDF::new(Arc::new(PluginAsyncScalarUdf::new(udf, *limits)));
                    Named::Scalar(Arc::new(udf.into_scalar_udf()))
                })
                .collect(),
            Function::Aggregate(function) => {
                let udf = PluginAggregateUdf::new(name, aliases, Arc::clone(function));
                vec![Named::Aggregate(Arc::new(udf.into()))]
            }
            Function::Window(function) => {
                let udf = PluginWindowUdf::new(name, aliases, Arc::clone(function));
                vec![Named::Window(Arc::new(udf.into()))]
            }
            Function::Table(function) => each()
                .map(|name| {
                    let function = PluginTableFunction::new(Arc::clone(function));
                    Named::Table(name.to_owned(), Arc::new(function))
                })
                .collect(),
            Function::TableProvider(table) => vec![Named::TableProvider(
                table.plugin().to_owned(),
                self.name.clone(),
                Arc::clone(table),
            )],
            // One name each: under a second one, their tables would be listed twice.
            Function::TableFactory(factory) => {
                vec![Named::TableFactory(name, Arc::clone(factory))]
            }
            Function::Catalog(catalog) => vec![Named::Catalog(name, Arc::clone(catalog))],
            Function::RelationPlanner(planner) => {
                vec![Named::RelationPlanner(Arc::clone(planner))]
            }
            Function::ExprPlanner(planner) => vec![Named::ExprPlanner(Arc::clone(planner))],
            Function::TypePlanner(planner) => vec![Named::TypePlanner(Arc::clone(planner))],
            Function::Rule(rule) => vec![Named::Rule(Arc::clone(rule))],
            Function::PhysicalRule(rule) => vec![Named::PhysicalRule(Arc::clone(rule))],
            Function::Factory(factory) => {
                vec![Named::FunctionFactory(Arc::clone(factory))]
            }
            Function::Options(options) => vec![Named::Options(Arc::clone(options))],
        }
    }
}

/// What a plugin says that it exports, with the types that its signatures speak of.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) exports: Exports,
    pub(crate) types: Vec<DataType>,
}

impl Described {
    pub(crate) fn of(instance: &PluginInstanceObject) -> Result<Self, CallError> {
        let parcel = instance.describe()?;
        let bytes = parcel.message.len();
        if bytes > MAX_DESCRIPTION {
            return Err(CallError::contract(format!(
                "describes itself in {bytes} bytes, at most {MAX_DESCRIPTION} are taken"
            )));
        }
        let content = ParcelContent::<Exports>::read_signature(parcel)?;
        check_exports(&content.message).map_err(CallError::contract)?;
        Ok(Self {
            types: content.types(),
            exports: content.message,
        })
    }
}

/// What a plugin's options are called in reports; there is one set of them.
const OPTIONS: &str = "options";

/// Takes in what `described` lists, as far as its capability is granted.
pub(crate) fn import(
    plugin: &Arc<Activated>,
    instance: &PluginInstanceObject,
    described: &Described,
    limits: AsyncLimits,
    granted: &[CapabilityKind],
) -> Result<Vec<Imported>, CallError> {
    let Described { exports, types } = described;
    let mut functions = Vec::new();
    let simplifies = granted.contains(&CapabilityKind::ScalarFunctionSimplify);
    for (position, descriptor) in exports.scalar_functions.iter().enumerate() {
        let capability = match descriptor.kind {
            FunctionKind::AsyncScalar => CapabilityKind::AsyncScalarFunction,
            _ => CapabilityKind::ScalarFunction,
        };
        if !granted.contains(&capability) {
            continue;
        }
        let object = instance.scalar_function(position)?;
        let origin = origin(plugin, &descriptor.name, object.identity()?);
        let (kind, wrap): (_, fn(_, _) -> _) = match descriptor.kind {
            FunctionKind::AsyncScalar => (ItemKind::AsyncScalar, Function::AsyncScalar),
            _ => (ItemKind::Scalar, |function, _| Function::Scalar(function)),
        };
        let metrics = Arc::clone(origin.metrics());
        let mut granted = descriptor.clone();
        granted.simplifies &= simplifies;
        let function = ScalarFunction::import(origin, object, granted, types)?;
        functions.push(imported(
            kind,
            descriptor,
            metrics,
            wrap(Arc::new(function), limits),
        ));
    }
    let of_kind = if granted.contains(&CapabilityKind::AggregateFunction) {
        exports.aggregate_functions.as_slice()
    } else {
        &[]
    };
    for (position, descriptor) in of_kind.iter().enumerate() {
        let object = instance.aggregate_function(position)?;
        let origin = origin(plugin, &descriptor.name, object.identity()?);
        let metrics = Arc::clone(origin.metrics());
        let function = AggregateFunction::import(origin, object, descriptor.clone(), types)?;
        let function = Function::Aggregate(Arc::new(function));
        functions.push(imported(ItemKind::Aggregate, descriptor, metrics, function));
    }
    let of_kind = if granted.contains(&CapabilityKind::WindowFunction) {
        exports.window_functions.as_slice()
    } else {
        &[]
    };
    for (position, descriptor) in of_kind.iter().enumerate() {
        let object = instance.window_function(position)?;
        let origin = origin(plugin, &descriptor.name, object.identity()?);
        let metrics = Arc::clone(origin.metrics());
        let function = WindowFunction::import(origin, object, descriptor.clone(), types)?;
        let function = Function::Window(Arc::new(function));
        functions.push(imported(ItemKind::Window, descriptor, metrics, function));
    }
    let of_kind = if granted.contains(&CapabilityKind::TableFunction) {
        exports.table_functions.as_slice()
    } else {
        &[]
    };
    for (position, descriptor) in of_kind.iter().enumerate() {
        let object = instance.table_function(position)?;
        let origin = origin(plugin, &descriptor.name, position as u64);
        functions.push(Imported {
            kind: ItemKind::Table,
            name: descriptor.name.clone(),
            aliases: Vec::new(),
            metrics: Arc::clone(origin.metrics()),
            function: Function::Table(Arc::new(TableFunction::new(origin, object))),
        });
    }
    functions.extend(import_sources(plugin, instance, exports, granted)?);
    functions.extend(import_planners(plugin, instance, exports, granted)?);
    let options = exports.options.as_ref();
    let options = options.filter(|_| granted.contains(&CapabilityKind::SessionOptions));
    if let Some(descriptor) = options {
        let origin = origin(plugin, OPTIONS, 0);
        let metrics = Arc::clone(origin.metrics());
        let options = PluginOptions::new(origin, instance.options()?, descriptor)?;
        functions.push(Imported {
            kind: ItemKind::Options,
            name: OPTIONS.to_owned(),
            aliases: Vec::new(),
            metrics,
            function: Function::Options(Arc::new(options)),
        });
    }
    Ok(functions)
}

/// Takes in tables, table factories and catalogs.
fn import_sources(
    plugin: &Arc<Activated>,
    instance: &PluginInstanceObject,
    exports: &Exports,
    granted: &[CapabilityKind],
) -> Result<Vec<Imported>, CallError> {
    let of_kind = |capability, names| -> &[String] {
        if granted.contains(&capability) {
            names
        } else {
            &[]
        }
    };
    let source = |kind, name: &str, origin: &Origin, function| Imported {
        kind,
        name: name.to_owned(),
        aliases: Vec::new(),
        metrics: Arc::clone(origin.metrics()),
        function,
    };
    let mut sources = Vec::new();
    let tables = of_kind(CapabilityKind::TableProvider, exports.tables.as_slice());
    for (position, name) in tables.iter().enumerate() {
        let origin = origin(plugin, name, position as u64);
        let table = PluginTable::new(origin.clone(), instance.table(position)?);
        let table = table.map_err(|error| to_call_error(&error))?;
        let function = Function::TableProvider(Arc::new(table));
        sources.push(source(ItemKind::TableProvider, name, &origin, function));
    }
    let factories = exports.table_factories.as_slice();
    let factories = of_kind(CapabilityKind::TableProviderFactory, factories);
    for (position, name) in factories.iter().enumerate() {
        let origin = origin(plugin, name, position as u64);
        let factory = PluginTableFactory::new(origin.clone(), instance.table_factory(position)?);
        let function = Function::TableFactory(Arc::new(factory));
        sources.push(source(ItemKind::TableFactory, name, &origin, function));
    }
    let catalogs = of_kind(CapabilityKind::CatalogProvider, exports.catalogs.as_slice());
    for (position, name) in catalogs.iter().enumerate() {
        let origin = origin(plugin, name, position as u64);
        let catalog = PluginCatalog::new(origin.clone(), instance.catalog(position)?);
        let function = Function::Catalog(Arc::new(catalog));
        sources.push(source(ItemKind::Catalog, name, &origin, function));
    }
    Ok(sources)
}

/// Takes in planners, rules and function factories.
fn import_planners(
    plugin: &Arc<Activated>,
    instance: &PluginInstanceObject,
    exports: &Exports,
    granted: &[CapabilityKind],
) -> Result<Vec<Imported>, CallError> {
    let of_kind = |capability, descriptors| -> &[PlannerDescriptor] {
        match granted.contains(&capability) {
            true => descriptors,
            false => &[],
        }
    };
    let mut planners = Vec::new();
    let mut add = |kind, name: &str, origin: &Origin, function| {
        planners.push(Imported {
            kind,
            name: name.to_owned(),
            aliases: Vec::new(),
            metrics: Arc::clone(origin.metrics()),
            function,
        });
    };
    let relations = exports.relation_planners.as_slice();
    let relations = of_kind(CapabilityKind::RelationPlanner, relations);
    for (position, descriptor) in relations.iter().enumerate() {
        let origin = origin(plugin, &descriptor.name, position as u64);
        let object = instance.relation_planner(position)?;
        let planner = PluginRelationPlanner::new(origin.clone(), object, descriptor);
        let function = Function::RelationPlanner(Arc::new(planner));
        add(
            ItemKind::RelationPlanner,
            &descriptor.name,
            &origin,
            function,
        );
    }
    let expressions = exports.expression_planners.as_slice();
    let expressions = of_kind(CapabilityKind::ExprPlanner, expressions);
    for (position, descriptor) in expressions.iter().enumerate() {
        let origin = origin(plugin, &descriptor.name, position as u64);
        let object = instance.expression_planner(position)?;
        let planner = PluginExprPlanner::new(origin.clone(), object, descriptor);
        let function = Function::ExprPlanner(Arc::new(planner));
        add(ItemKind::ExprPlanner, &descriptor.name, &origin, function);
    }
    let types = of_kind(
        CapabilityKind::TypePlanner,
        exports.type_planners.as_slice(),
    );
    for (position, descriptor) in types.iter().enumerate() {
        let origin = origin(plugin, &descriptor.name, position as u64);
        let planner = PluginTypePlanner::new(origin.clone(), instance.type_planner(position)?);
        let function = Function::TypePlanner(Arc::new(planner));
        add(ItemKind::TypePlanner, &descriptor.name, &origin, function);
    }
    for (position, descriptor) in exports.rules.iter().enumerate() {
        let (capability, kind) = match descriptor.stage {
            RuleStage::Analyzer => (CapabilityKind::AnalyzerRule, ItemKind::AnalyzerRule),
            RuleStage::Physical => (
                CapabilityKind::PhysicalOptimizerRule,
                ItemKind::PhysicalOptimizerRule,
            ),
            _ => (CapabilityKind::OptimizerRule, ItemKind::OptimizerRule),
        };
        if !granted.contains(&capability) {
            continue;
        }
        let origin = origin(plugin, &descriptor.name, position as u64);
        let function = if descriptor.stage == RuleStage::Physical {
            let object = instance.physical_rule(position)?;
            let rule = PluginPhysicalRule::new(origin.clone(), object, descriptor);
            Function::PhysicalRule(Arc::new(rule))
        } else {
            let rule = PluginRule::new(origin.clone(), instance.rule(position)?, descriptor);
            Function::Rule(Arc::new(rule))
        };
        add(kind, &descriptor.name, &origin, function);
    }
    if granted.contains(&CapabilityKind::FunctionFactory) {
        for (position, name) in exports.function_factories.iter().enumerate() {
            let origin = origin(plugin, name, position as u64);
            let object = instance.function_factory(position)?;
            let factory = PluginFunctionFactory::new(origin.clone(), object);
            let function = Function::Factory(Arc::new(factory));
            add(ItemKind::FunctionFactory, name, &origin, function);
        }
    }
    Ok(planners)
}

fn origin(plugin: &Arc<Activated>, item: &str, identity: u64) -> Origin {
    Origin::new(Arc::clone(plugin), item, identity, Arc::default())
}

fn imported(
    kind: ItemKind,
    descriptor: &FunctionDescriptor,
    metrics: Arc<ItemMetrics>,
    function: Function,
) -> Imported {
    Imported {
        kind,
        name: descriptor.name.clone(),
        aliases: descriptor.aliases.clone(),
        metrics,
        function,
    }
}
