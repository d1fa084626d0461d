//! The host's answers to a planner.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion_common::{DFSchema, Result};
use datafusion_expr::{
    Expr,
    expr::{AggregateFunction, AggregateFunctionParams, ScalarFunction, WindowFunction},
    planner::RelationPlannerContext,
};

use crate::{
    abi::{
        self, CallError, Parcel,
        message::{
            ContextQuestion, FieldsReply, FunctionKind, NameReply, NamesReply, PlanReply,
            TableNameReply,
        },
    },
    df55::{
        error::{from_call_error, to_call_error},
        expressions::breach,
        names::{table_name, table_reference},
        parcel::{ParcelBuilder, ParcelContent},
        plans::{HostObjects, PlanWriter, ScannedSource, read_plans},
        settings::settings_of,
        syntax::syntax_from_json,
    },
};

/// Answers the questions of a planner about its context.
pub type AskContext = dyn Fn(Parcel) -> std::result::Result<Parcel, CallError> + Send + Sync;

/// What a planner of a plugin asks during one call.
pub struct HostPlanner {
    /// The objects that the call speaks of.
    pub objects: Arc<HostObjects>,
    /// The context, as long as it is lent; expression planners have none.
    pub context: Option<Arc<AskContext>>,
}

impl abi::PlanHost for HostPlanner {
    fn item(&self) -> &str {
        ""
    }

    fn ask(&self, request: Parcel) -> std::result::Result<Parcel, CallError> {
        self.objects.answer(request)
    }

    fn context(&self, request: Parcel) -> std::result::Result<Parcel, CallError> {
        match &self.context {
            Some(context) => context(request),
            None => Err(CallError::contract(
                "only relation planners have a context to ask",
            )),
        }
    }
}

/// Answers a [`ContextQuestion`].
///
/// # Errors
/// Those of the context, and a breach of the contract.
pub fn answer_context(
    context: &mut dyn RelationPlannerContext,
    objects: &HostObjects,
    request: Parcel,
) -> std::result::Result<Parcel, CallError> {
    let content = ParcelContent::<ContextQuestion>::read(request)?;
    answer(context, objects, &content).map_err(|error| to_call_error(&error))
}

fn answer(
    context: &mut dyn RelationPlannerContext,
    objects: &HostObjects,
    content: &ParcelContent<ContextQuestion>,
) -> Result<Parcel> {
    let replied = |reply: std::result::Result<Parcel, CallError>| reply.map_err(from_call_error);
    match &content.message {
        ContextQuestion::Plan { relation } => {
            let plan = context.plan(syntax_from_json(relation.as_bytes())?)?;
            let mut writer = PlanWriter::new(objects);
            writer.plan(&plan)?;
            writer.finish(|list| PlanReply { list })
        }
        ContextQuestion::Expression {
            syntax,
            rewritten,
            schema,
        } => {
            let syntax = syntax_from_json(syntax.as_bytes())?;
            let schemas = read_plans(content, schema, objects)?.schemas;
            let [schema] = schemas.as_slice() else {
                return Err(breach(format!(
                    "{} schemas of one expression",
                    schemas.len()
                )));
            };
            let expr = match rewritten {
                true => context.sql_to_expr(syntax, schema)?,
                false => context.sql_expr_to_logical_expr(syntax, schema)?,
            };
            one_expr(objects, &expr, schema)
        }
        ContextQuestion::NormalizeIdent { ident } => {
            let name = context.normalize_ident(syntax_from_json(ident.as_bytes())?);
            replied(Parcel::of(&NameReply { name }))
        }
        ContextQuestion::TableReference { name } => {
            let name = syntax_from_json(name.as_bytes())?;
            let name = context.object_name_to_table_reference(name)?;
            let name = table_name(Some(&name));
            replied(Parcel::of(&TableNameReply { name }))
        }
        ContextQuestion::Table { name } => {
            let name = table_reference(name).map_err(from_call_error)?;
            let name = name.ok_or_else(|| breach("a table without a name".to_owned()))?;
            source(objects, context.context_provider().get_table_source(name)?)
        }
        ContextQuestion::TableFunction { name, args } => {
            let args = read_plans(content, args, objects)?.exprs;
            let provider = context.context_provider();
            source(objects, provider.get_table_function_source(name, args)?)
        }
        ContextQuestion::WorkTable { name } => {
            let provider = context.context_provider();
            let schema = Arc::new(Schema::new(content.fields.clone()));
            source(objects, provider.create_cte_work_table(name, schema)?)
        }
        ContextQuestion::Function { kind, name } => function(context, objects, *kind, name),
        ContextQuestion::FunctionNames { kind } => {
            let provider = context.context_provider();
            let names = match kind {
                FunctionKind::Aggregate => provider.udaf_names(),
                FunctionKind::Window => provider.udwf_names(),
                _ => provider.udf_names(),
            };
            replied(Parcel::of(&NamesReply { names }))
        }
        ContextQuestion::Variable { names } => {
            let field = context.context_provider().get_variable_field(names);
            replied(ParcelBuilder::new().fields(&field).finish(&FieldsReply {}))
        }
        ContextQuestion::Settings => {
            let settings = settings_of(context.context_provider().options());
            replied(Parcel::of(&settings))
        }
    }
}

fn one_expr(objects: &HostObjects, expr: &Expr, schema: &DFSchema) -> Result<Parcel> {
    let mut writer = PlanWriter::new(objects);
    writer.exprs([expr], schema)?;
    writer.finish(|list| PlanReply { list })
}

fn source(objects: &HostObjects, source: Arc<dyn datafusion_expr::TableSource>) -> Result<Parcel> {
    let mut writer = PlanWriter::new(objects);
    writer.lend(ScannedSource {
        source,
        requests: Default::default(),
    })?;
    writer.finish(|list| PlanReply { list })
}

/// A function crosses as a call of it without arguments; none when the session has none of the
/// name.
fn function(
    context: &dyn RelationPlannerContext,
    objects: &HostObjects,
    kind: FunctionKind,
    name: &str,
) -> Result<Parcel> {
    let provider = context.context_provider();
    let call = match kind {
        FunctionKind::Aggregate => provider.get_aggregate_meta(name).map(|func| {
            let params = AggregateFunctionParams {
                args: Vec::new(),
                distinct: false,
                filter: None,
                order_by: Vec::new(),
                null_treatment: None,
            };
            Expr::AggregateFunction(AggregateFunction { func, params })
        }),
        FunctionKind::Window => provider
            .get_window_meta(name)
            .map(|function| Expr::from(WindowFunction::new(function, Vec::new()))),
        _ => provider
            .get_function_meta(name)
            .map(|func| Expr::ScalarFunction(ScalarFunction::new_udf(func, Vec::new()))),
    };
    let mut writer = PlanWriter::new(objects);
    writer.exprs(&call, &DFSchema::empty())?;
    writer.finish(|list| PlanReply { list })
}
