//! An activated plugin behind the contract.

use std::sync::Arc;

use super::{
    Plugin,
    aggregate::{self, AggregateExport, AggregateFunctions},
    functions::Functions,
    interned::Interned,
    options::OptionsEntry,
    policy::Policies,
    scalar,
    window::{self, WindowExport, WindowFunctions},
};
#[cfg(feature = "tables")]
use super::{
    catalog::CatalogExport, plugin::Sources, table::TableExport, table_factory::TableFactoryExport,
    table_function::TableFunctionExport,
};
use crate::{
    abi::{
        AggregateFunctionObject, CallError, CatalogObject, ExpressionPlannerObject,
        FunctionFactoryObject, Parcel, PhysicalRuleObject, PlanRuleObject, PluginInstance,
        PolicyObject, RelationPlannerObject, ScalarFunctionObject, SessionOptionsObject,
        TableFactoryObject, TableFunctionObject, TableObject, TypePlannerObject,
        WindowFunctionObject, message::Exports,
    },
    df55::{parcel::ParcelBuilder, types::TypeList},
};

pub(super) struct Instance {
    scalar: Arc<Functions>,
    aggregate: Arc<AggregateFunctions>,
    window: Arc<WindowFunctions>,
    policies: Policies,
    options: Vec<OptionsEntry>,
    #[cfg(feature = "tables")]
    sources: Sources,
    #[cfg(feature = "planners")]
    planners: super::planners::Planners,
    #[cfg(feature = "rules")]
    rules: Vec<super::Rule>,
    #[cfg(feature = "function-factory")]
    function_factories: Vec<super::function_factory::FactoryEntry>,
}

impl Instance {
    pub(super) fn new(plugin: Plugin) -> Self {
        #[cfg(feature = "function-factory")]
        let makes = !plugin.function_factories.is_empty();
        #[cfg(not(feature = "function-factory"))]
        let makes = false;
        Self {
            scalar: Arc::new(Functions::new(plugin.scalar, makes)),
            aggregate: Arc::new(Interned::new(plugin.aggregate, |udf| udf.name().to_owned())),
            window: Arc::new(Interned::new(plugin.window, |udf| udf.name().to_owned())),
            policies: plugin.policies,
            options: plugin.options,
            #[cfg(feature = "tables")]
            sources: plugin.sources,
            #[cfg(feature = "planners")]
            planners: plugin.planners,
            #[cfg(feature = "rules")]
            rules: plugin.rules,
            #[cfg(feature = "function-factory")]
            function_factories: plugin.function_factories,
        }
    }

    #[cfg(feature = "plans")]
    fn own(&self) -> super::plans::Own {
        super::plans::Own::new(&self.scalar, &self.aggregate, &self.window)
    }
}

#[cfg(feature = "tables")]
impl Drop for Instance {
    fn drop(&mut self) {
        let Sources {
            functions,
            tables,
            factories,
            catalogs,
        } = std::mem::take(&mut self.sources);
        crate::abi::drop_each(functions, |entry| entry.name.clone());
        crate::abi::drop_each(tables, |(name, _)| name.clone());
        crate::abi::drop_each(factories, |entry| entry.name.clone());
        crate::abi::drop_each(catalogs, |entry| entry.name.clone());
        #[cfg(feature = "rules")]
        crate::abi::drop_each(std::mem::take(&mut self.rules), |rule| {
            rule.descriptor.name.clone()
        });
        #[cfg(feature = "function-factory")]
        crate::abi::drop_each(std::mem::take(&mut self.function_factories), |entry| {
            entry.name.clone()
        });
    }
}

pub(super) fn none<T>(kind: &str, position: usize) -> Result<T, CallError> {
    Err(CallError::contract(format!(
        "there is no {kind} {position}"
    )))
}

impl PluginInstance for Instance {
    fn item(&self) -> &str {
        ""
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        let mut types = TypeList::default();
        let mut exports = Exports::default();
        for entry in self.scalar.exports() {
            exports
                .scalar_functions
                .push(scalar::descriptor(entry, &mut types)?);
        }
        for udf in self.aggregate.exports() {
            exports
                .aggregate_functions
                .push(aggregate::descriptor(udf, &mut types)?);
        }
        for udf in self.window.exports() {
            exports
                .window_functions
                .push(window::descriptor(udf, &mut types)?);
        }
        exports.policies = self.policies.names().map(str::to_owned).collect();
        exports.options = self.options.first().map(OptionsEntry::descriptor);
        #[cfg(feature = "tables")]
        {
            let Sources {
                functions,
                tables,
                factories,
                catalogs,
            } = &self.sources;
            exports.table_functions = functions.iter().map(|entry| entry.descriptor()).collect();
            exports.tables = tables.iter().map(|(name, _)| name.clone()).collect();
            exports.table_factories = factories.iter().map(|entry| entry.name.clone()).collect();
            exports.catalogs = catalogs.iter().map(|entry| entry.name.clone()).collect();
        }
        #[cfg(feature = "planners")]
        self.planners.describe(&mut exports);
        #[cfg(feature = "rules")]
        {
            let rules = self.rules.iter();
            exports.rules = rules.map(|rule| rule.descriptor.clone()).collect();
        }
        #[cfg(feature = "function-factory")]
        {
            let factories = self.function_factories.iter();
            exports.function_factories = factories.map(|entry| entry.name.clone()).collect();
        }
        ParcelBuilder::new()
            .types(types.as_slice())
            .finish(&exports)
    }

    fn scalar_function(&self, position: usize) -> Result<ScalarFunctionObject, CallError> {
        if position >= self.scalar.exports().len() {
            return none("scalar function", position);
        }
        self.scalar.object_by_identity(position as u64)
    }

    fn aggregate_function(&self, position: usize) -> Result<AggregateFunctionObject, CallError> {
        match self.aggregate.exports().get(position) {
            Some(udf) => Ok(AggregateExport::object(Arc::clone(udf), &self.aggregate)),
            None => none("aggregate function", position),
        }
    }

    fn window_function(&self, position: usize) -> Result<WindowFunctionObject, CallError> {
        match self.window.exports().get(position) {
            Some(udf) => Ok(WindowExport::object(Arc::clone(udf), &self.window)),
            None => none("window function", position),
        }
    }

    fn table_function(&self, position: usize) -> Result<TableFunctionObject, CallError> {
        #[cfg(feature = "tables")]
        if let Some(entry) = self.sources.functions.get(position) {
            return Ok(TableFunctionObject::new(TableFunctionExport {
                entry: entry.clone(),
                functions: Arc::clone(&self.scalar),
            }));
        }
        none("table function", position)
    }

    fn table(&self, position: usize) -> Result<TableObject, CallError> {
        #[cfg(feature = "tables")]
        if let Some((name, provider)) = self.sources.tables.get(position) {
            return Ok(TableExport::object(
                name,
                Arc::clone(provider),
                &self.scalar,
            ));
        }
        none("table", position)
    }

    fn table_factory(&self, position: usize) -> Result<TableFactoryObject, CallError> {
        #[cfg(feature = "tables")]
        if let Some(entry) = self.sources.factories.get(position) {
            return Ok(TableFactoryObject::new(TableFactoryExport {
                entry: entry.clone(),
                functions: Arc::clone(&self.scalar),
            }));
        }
        none("table factory", position)
    }

    fn catalog(&self, position: usize) -> Result<CatalogObject, CallError> {
        #[cfg(feature = "tables")]
        if let Some(entry) = self.sources.catalogs.get(position) {
            return Ok(CatalogObject::new(CatalogExport {
                entry: entry.clone(),
                functions: Arc::clone(&self.scalar),
            }));
        }
        none("catalog", position)
    }

    #[cfg(feature = "planners")]
    fn relation_planner(&self, position: usize) -> Result<RelationPlannerObject, CallError> {
        self.planners.relation(position, self.own())
    }

    #[cfg(feature = "planners")]
    fn expression_planner(&self, position: usize) -> Result<ExpressionPlannerObject, CallError> {
        self.planners.expression(position, self.own())
    }

    #[cfg(feature = "planners")]
    fn type_planner(&self, position: usize) -> Result<TypePlannerObject, CallError> {
        self.planners.types(position)
    }

    #[cfg(feature = "rules")]
    fn rule(&self, position: usize) -> Result<PlanRuleObject, CallError> {
        match self.rules.get(position) {
            Some(rule) => {
                let object = rule.object(self.own());
                object.map_or_else(|| none("rule of logical plans", position), Ok)
            }
            None => none("rule", position),
        }
    }

    #[cfg(feature = "rules")]
    fn physical_rule(&self, position: usize) -> Result<PhysicalRuleObject, CallError> {
        match self.rules.get(position) {
            Some(rule) => {
                let object = rule.physical_object(self.own());
                object.map_or_else(|| none("rule of physical plans", position), Ok)
            }
            None => none("rule", position),
        }
    }

    #[cfg(not(feature = "rules"))]
    fn physical_rule(&self, position: usize) -> Result<PhysicalRuleObject, CallError> {
        none("rule", position)
    }

    #[cfg(not(feature = "rules"))]
    fn rule(&self, position: usize) -> Result<PlanRuleObject, CallError> {
        none("rule", position)
    }

    #[cfg(not(feature = "planners"))]
    fn relation_planner(&self, position: usize) -> Result<RelationPlannerObject, CallError> {
        none("relation planner", position)
    }

    #[cfg(not(feature = "planners"))]
    fn expression_planner(&self, position: usize) -> Result<ExpressionPlannerObject, CallError> {
        none("expression planner", position)
    }

    #[cfg(not(feature = "planners"))]
    fn type_planner(&self, position: usize) -> Result<TypePlannerObject, CallError> {
        none("type planner", position)
    }

    fn function_factory(&self, position: usize) -> Result<FunctionFactoryObject, CallError> {
        #[cfg(feature = "function-factory")]
        if let Some(entry) = self.function_factories.get(position) {
            return Ok(entry.object(self.own()));
        }
        none("function factory", position)
    }

    fn options(&self) -> Result<SessionOptionsObject, CallError> {
        match self.options.first() {
            Some(entry) => Ok(entry.object()),
            None => none("set of options", 0),
        }
    }

    fn policy(&self, position: usize) -> Result<PolicyObject, CallError> {
        match self.policies.object(position) {
            Some(object) => Ok(object),
            None => none("policy", position),
        }
    }
}
