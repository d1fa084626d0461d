//! The host's planning context, inside a plugin.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion_common::{DFSchema, Result, TableReference, config::ConfigOptions};
use datafusion_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource,
    WindowFunctionDefinition, WindowUDF,
    planner::{ContextProvider, RelationPlannerContext},
};
use serde::{Serialize, de::DeserializeOwned};
use sqlparser::ast::{Expr as SqlExpr, Ident, ObjectName, TableFactor};

use crate::{
    abi::{
        Parcel, PlanHostObject,
        message::{
            ContextQuestion, FieldsReply, FunctionKind, NameReply, NamesReply, PlanReply, Settings,
            TableNameReply,
        },
    },
    df55::{
        error::from_call_error,
        expressions::breach,
        names::{table_name, table_reference},
        parcel::{ParcelBuilder, ParcelContent},
        plans::{PlanWriter, PluginObjects, ReadPlans, read_plans},
        settings::options_from,
        syntax::syntax_to_text,
    },
};

/// DataFusion's context of a relation planner; every question goes to the host.
pub struct PluginContext {
    host: Arc<PlanHostObject>,
    objects: PluginObjects,
    options: OnceLock<Arc<ConfigOptions>>,
}

impl PluginContext {
    /// Of a call in which `host` answers; `objects` are those of the same call.
    pub fn new(host: Arc<PlanHostObject>, objects: PluginObjects) -> Self {
        Self {
            host,
            objects,
            options: OnceLock::new(),
        }
    }

    fn send<M: DeserializeOwned>(&self, request: Parcel) -> Result<ParcelContent<M>> {
        let reply = self.host.context(request).map_err(from_call_error)?;
        ParcelContent::read_signature(reply).map_err(from_call_error)
    }

    fn ask<M: DeserializeOwned>(&self, question: &impl Serialize) -> Result<ParcelContent<M>> {
        self.send(Parcel::of(question).map_err(from_call_error)?)
    }

    fn plans(&self, reply: &ParcelContent<PlanReply>) -> Result<ReadPlans> {
        read_plans(reply, &reply.message.list, &self.objects)
    }

    fn expression(&self, syntax: &SqlExpr, schema: &DFSchema, rewritten: bool) -> Result<Expr> {
        let syntax = syntax_to_text(syntax)?;
        let mut writer = PlanWriter::new(&self.objects);
        writer.schema(schema);
        let request = writer.finish(|schema| ContextQuestion::Expression {
            syntax,
            rewritten,
            schema,
        })?;
        self.plans(&self.send(request)?)?.only_expr()
    }

    fn source(&self, reply: &ParcelContent<PlanReply>) -> Result<Arc<dyn TableSource>> {
        let mut sources = self.plans(reply)?.sources;
        sources
            .pop()
            .ok_or_else(|| breach("an answer without the table".to_owned()))
    }

    /// A call of the session's function.
    fn call(&self, kind: FunctionKind, name: &str) -> Option<Expr> {
        let name = name.to_owned();
        let reply = self.ask(&ContextQuestion::Function { kind, name });
        told(reply.and_then(|reply| self.plans(&reply)))?
            .exprs
            .pop()
    }

    fn function_names(&self, kind: FunctionKind) -> Vec<String> {
        let reply = self.ask::<NamesReply>(&ContextQuestion::FunctionNames { kind });
        told(reply).map_or_else(Vec::new, |reply| reply.message.names)
    }
}

/// Tells of an error where DataFusion's trait has no way to return it.
fn told<T>(result: Result<T>) -> Option<T> {
    result
        .inspect_err(|error| tracing::warn!(%error, "the host did not answer a planner"))
        .ok()
}

impl RelationPlannerContext for PluginContext {
    fn context_provider(&self) -> &dyn ContextProvider {
        self
    }

    fn plan(&mut self, relation: TableFactor) -> Result<LogicalPlan> {
        let relation = syntax_to_text(&relation)?;
        let reply = self.ask(&ContextQuestion::Plan { relation })?;
        self.plans(&reply)?.only_plan()
    }

    fn sql_to_expr(&mut self, expr: SqlExpr, schema: &DFSchema) -> Result<Expr> {
        self.expression(&expr, schema, true)
    }

    fn sql_expr_to_logical_expr(&mut self, expr: SqlExpr, schema: &DFSchema) -> Result<Expr> {
        self.expression(&expr, schema, false)
    }

    fn normalize_ident(&self, ident: Ident) -> String {
        let normalized = syntax_to_text(&ident).and_then(|ident| {
            let reply = self.ask::<NameReply>(&ContextQuestion::NormalizeIdent { ident })?;
            Ok(reply.message.name)
        });
        told(normalized).unwrap_or(ident.value)
    }

    fn object_name_to_table_reference(&self, name: ObjectName) -> Result<TableReference> {
        let name = syntax_to_text(&name)?;
        let reply = self.ask::<TableNameReply>(&ContextQuestion::TableReference { name })?;
        table_reference(&reply.message.name)
            .map_err(from_call_error)?
            .ok_or_else(|| breach("an answer without a name".to_owned()))
    }
}

impl ContextProvider for PluginContext {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let name = table_name(Some(&name));
        self.source(&self.ask(&ContextQuestion::Table { name })?)
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<Arc<dyn TableSource>> {
        let name = name.to_owned();
        let mut writer = PlanWriter::new(&self.objects);
        writer.exprs(&args, &DFSchema::empty())?;
        let request = writer.finish(|args| ContextQuestion::TableFunction { name, args })?;
        self.source(&self.send(request)?)
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        let name = name.to_owned();
        let request = ParcelBuilder::new().schema(&schema);
        let request = request.finish(&ContextQuestion::WorkTable { name });
        self.source(&self.send(request.map_err(from_call_error)?)?)
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        match self.call(FunctionKind::Scalar, name)? {
            Expr::ScalarFunction(call) => Some(call.func),
            _ => None,
        }
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        match self.call(FunctionKind::Aggregate, name)? {
            Expr::AggregateFunction(call) => Some(call.func),
            _ => None,
        }
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        match self.call(FunctionKind::Window, name)? {
            Expr::WindowFunction(call) => match call.fun {
                WindowFunctionDefinition::WindowUDF(function) => Some(function),
                WindowFunctionDefinition::AggregateUDF(_) => None,
            },
            _ => None,
        }
    }

    fn get_variable_type(&self, names: &[String]) -> Option<DataType> {
        let field = self.get_variable_field(names)?;
        Some(field.data_type().clone())
    }

    fn get_variable_field(&self, names: &[String]) -> Option<FieldRef> {
        let names = names.to_vec();
        let reply = self.ask::<FieldsReply>(&ContextQuestion::Variable { names });
        told(reply)?.fields.pop()
    }

    fn options(&self) -> &ConfigOptions {
        self.options.get_or_init(|| {
            let settings = self.ask::<Settings>(&ContextQuestion::Settings);
            options_from(&told(settings).map_or_else(Vec::new, |reply| reply.message))
        })
    }

    fn udf_names(&self) -> Vec<String> {
        self.function_names(FunctionKind::Scalar)
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.function_names(FunctionKind::Aggregate)
    }

    fn udwf_names(&self) -> Vec<String> {
        self.function_names(FunctionKind::Window)
    }
}
