//! What the plugin asks of the host's objects.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{
    Expr, ReturnFieldArgs, TableProviderFilterPushDown, WindowFunctionDefinition,
    function::{StateFieldsArgs, WindowUDFFieldArgs},
};

use super::{HostObjects, returned};
use crate::{
    abi::{
        CallError, Parcel,
        message::{
            CallName, FieldsReply, FunctionKind, Handle, NameReply, PlanQuestion, PlanReply,
            Pushdown, PushdownReply,
        },
    },
    df55::{
        error::{from_call_error, to_call_error},
        expressions::breach,
        parcel::{ParcelBuilder, ParcelContent},
        plans::{read::read_plans, write::PlanWriter},
    },
};

impl HostObjects {
    /// Answers a [`PlanQuestion`].
    ///
    /// # Errors
    /// Those of the object that is asked, and a breach of the contract for an unknown handle.
    pub fn answer(&self, request: Parcel) -> std::result::Result<Parcel, CallError> {
        let content = ParcelContent::<PlanQuestion>::read(request)?;
        self.answered(&content)
            .map_err(|error| to_call_error(&error))
    }

    fn answered(&self, content: &ParcelContent<PlanQuestion>) -> Result<Parcel> {
        let field = |field| {
            let reply = ParcelBuilder::new().fields([&field]);
            reply.finish(&FieldsReply {}).map_err(from_call_error)
        };
        let lent = Handle::Returned;
        match &content.message {
            PlanQuestion::ScalarField { function, scalars } => {
                let list = self.lent().scalars.clone();
                let function = returned(&list, lent(*function), "a scalar function")?;
                let scalars = scalars.iter().map(|position| match position {
                    None => Ok(None),
                    Some(position) => content.value(*position).map(Some),
                });
                let scalars: Vec<Option<&ScalarValue>> = scalars
                    .collect::<std::result::Result<_, _>>()
                    .map_err(from_call_error)?;
                field(function.return_field_from_args(ReturnFieldArgs {
                    arg_fields: &content.fields,
                    scalar_arguments: &scalars,
                })?)
            }
            PlanQuestion::AggregateField { function } => {
                let list = self.lent().aggregates.clone();
                let function = returned(&list, lent(*function), "an aggregate function")?;
                field(function.return_field(&content.fields)?)
            }
            PlanQuestion::StateFields {
                function,
                name,
                arguments,
                distinct,
            } => {
                let list = self.lent().aggregates.clone();
                let function = returned(&list, lent(*function), "an aggregate function")?;
                let split = content.fields.split_at_checked(*arguments);
                let Some((input_fields, [return_field, ordering_fields @ ..])) = split else {
                    return Err(breach(format!(
                        "the states of {arguments} arguments with {} fields",
                        content.fields.len()
                    )));
                };
                let fields = function.state_fields(StateFieldsArgs {
                    name,
                    input_fields,
                    return_field: Arc::clone(return_field),
                    ordering_fields,
                    is_distinct: *distinct,
                })?;
                let reply = ParcelBuilder::new().fields(&fields);
                reply.finish(&FieldsReply {}).map_err(from_call_error)
            }
            PlanQuestion::WindowField { function, name } => {
                let list = self.lent().windows.clone();
                let function = returned(&list, lent(*function), "a window function")?;
                field(function.field(WindowUDFFieldArgs::new(&content.fields, name))?)
            }
            PlanQuestion::Coerced { kind, function } => {
                let types = self.coerced(*kind, *function, &content.types())?;
                let reply = ParcelBuilder::new().types(&types);
                reply.finish(&FieldsReply {}).map_err(from_call_error)
            }
            PlanQuestion::Name { name, call } => {
                let call = read_plans(content, call, self)?.only_expr()?;
                let name = call_name(*name, &call)?;
                Parcel::of(&NameReply { name }).map_err(from_call_error)
            }
            PlanQuestion::Pushdown { source, filters } => {
                let list = self.lent().sources.clone();
                let source = returned(&list, lent(*source), "a table")?.source;
                let filters = read_plans(content, filters, self)?.exprs;
                let filters: Vec<&Expr> = filters.iter().collect();
                let answers = source.supports_filters_pushdown(&filters)?;
                let answers = answers.iter().map(|answer| match answer {
                    TableProviderFilterPushDown::Exact => Pushdown::Exact,
                    TableProviderFilterPushDown::Inexact => Pushdown::Inexact,
                    TableProviderFilterPushDown::Unsupported => Pushdown::Unsupported,
                });
                let filters = answers.collect();
                Parcel::of(&PushdownReply { filters }).map_err(from_call_error)
            }
            PlanQuestion::View { source } => {
                let list = self.lent().sources.clone();
                let source = returned(&list, lent(*source), "a table")?.source;
                let plan = source.get_logical_plan();
                let plan = plan.ok_or_else(|| breach("a table that is no view".to_owned()))?;
                let mut writer = PlanWriter::new(self);
                writer.plan(&plan)?;
                writer.finish(|list| PlanReply { list })
            }
        }
    }

    fn coerced(
        &self,
        kind: FunctionKind,
        function: u64,
        types: &[DataType],
    ) -> Result<Vec<DataType>> {
        let handle = Handle::Returned(function);
        match kind {
            FunctionKind::Aggregate => {
                let list = self.lent().aggregates.clone();
                returned(&list, handle, "an aggregate function")?.coerce_types(types)
            }
            FunctionKind::Window => {
                let list = self.lent().windows.clone();
                returned(&list, handle, "a window function")?.coerce_types(types)
            }
            _ => {
                let list = self.lent().scalars.clone();
                returned(&list, handle, "a scalar function")?.coerce_types(types)
            }
        }
    }
}

fn call_name(name: CallName, call: &Expr) -> Result<String> {
    match (call, name) {
        (Expr::ScalarFunction(call), _) => call.func.schema_name(&call.args),
        (Expr::AggregateFunction(call), CallName::Schema) => call.func.schema_name(&call.params),
        (Expr::AggregateFunction(call), CallName::Human) => call.func.human_display(&call.params),
        (Expr::AggregateFunction(call), CallName::Display) => call.func.display_name(&call.params),
        (Expr::WindowFunction(call), name) => match (&call.fun, name) {
            (WindowFunctionDefinition::AggregateUDF(function), CallName::Schema) => {
                function.window_function_schema_name(&call.params)
            }
            (WindowFunctionDefinition::AggregateUDF(function), _) => {
                function.window_function_display_name(&call.params)
            }
            _ => Err(breach("the name of a window function".to_owned())),
        },
        (other, _) => Err(breach(format!("the name of {other}, which is no call"))),
    }
}
