//! A plugin's expression planner.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::Field,
    common::{DFSchema, Result, TableReference},
    logical_expr::{
        Expr, GetFieldAccess,
        expr::{AggregateFunction, AggregateFunctionParams, WindowFunction, WindowFunctionParams},
        planner::{
            ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawDictionaryExpr,
            RawFieldAccessExpr, RawWindowExpr,
        },
    },
};
use datafusion_plugin_api::{
    abi::{
        ExpressionPlannerObject, Parcel, PlanHostObject,
        message::{
            ExpressionHook, ExpressionHookReply, ExpressionHookRequest, FieldAccess,
            PlannerDescriptor,
        },
    },
    df55::{
        error::from_call_error,
        parcel::ParcelContent,
        planners::{ExpressionHookKind, HostPlanner, hook_name},
        plans::{HostObjects, PlanWriter, read_plans},
        syntax::syntax_to_text,
    },
};

use super::{Answering, Interests, PlanCall, blame};
use crate::import::origin::Origin;

/// An expression planner of a plugin. One object serves all sessions.
#[derive(Debug)]
pub(crate) struct PluginExprPlanner {
    origin: Origin,
    object: Arc<ExpressionPlannerObject>,
    interests: Interests,
}

impl PluginExprPlanner {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn new(
        origin: Origin,
        object: ExpressionPlannerObject,
        descriptor: &PlannerDescriptor,
    ) -> Self {
        let interests = Interests::of(descriptor);
        Self {
            origin,
            object: Arc::new(object),
            interests,
        }
    }

    fn is_asked(&self, hook: ExpressionHookKind) -> bool {
        self.interests.has(hook.name())
    }

    /// Asks the hook about `exprs`; nothing when the planner declines.
    fn ask(
        &self,
        hook: ExpressionHook,
        exprs: &[&Expr],
        schema: &DFSchema,
    ) -> Result<Option<Expr>> {
        if !self.interests.has(hook_name(&hook)) {
            return Ok(None);
        }
        let call = PlanCall::new(&self.origin);
        let mut writer = PlanWriter::new(call.objects.as_ref());
        writer.exprs(exprs.iter().copied(), schema)?;
        writer.schema(schema);
        let request = writer.finish(|list| ExpressionHookRequest { hook, list })?;
        let host = PlanHostObject::new(Answering(HostPlanner {
            objects: Arc::clone(&call.objects),
            context: None,
        }));
        let begun = self.origin.begin();
        let planned = self.origin.call(|| {
            let plan =
                |planner: &ExpressionPlannerObject, (request, host)| planner.plan(request, host);
            self.origin.plan(&self.object, plan, (request, host))
        });
        self.origin.end(begun, 0, 0);
        read(call.reply(planned?), &call.objects).map_err(|error| blame(&self.origin, &error))
    }

    fn ask_args(&self, hook: ExpressionHook, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.ask_over(hook, args, &DFSchema::empty())
    }

    fn ask_over(
        &self,
        hook: ExpressionHook,
        args: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let asked: Vec<&Expr> = args.iter().collect();
        Ok(match self.ask(hook, &asked, schema)? {
            Some(expr) => PlannerResult::Planned(expr),
            None => PlannerResult::Original(args),
        })
    }
}

fn read(reply: Parcel, objects: &HostObjects) -> Result<Option<Expr>> {
    let reply = ParcelContent::<ExpressionHookReply>::read(reply).map_err(from_call_error)?;
    let planned = reply.message.planned.as_ref();
    let planned = planned.map(|list| read_plans(&reply, list, objects)?.only_expr());
    planned.transpose()
}

impl ExprPlanner for PluginExprPlanner {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if !self.is_asked(ExpressionHookKind::BinaryOp) {
            return Ok(PlannerResult::Original(expr));
        }
        let operator = syntax_to_text(&expr.op)?;
        let hook = ExpressionHook::BinaryOp { operator };
        Ok(match self.ask(hook, &[&expr.left, &expr.right], schema)? {
            Some(planned) => PlannerResult::Planned(planned),
            None => PlannerResult::Original(expr),
        })
    }

    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let name;
        let (access, operands) = match &expr.field_access {
            GetFieldAccess::NamedStructField { name: value } => {
                name = Expr::Literal(value.clone(), None);
                (FieldAccess::NamedStructField, vec![&expr.expr, &name])
            }
            GetFieldAccess::ListIndex { key } => (FieldAccess::ListIndex, vec![&expr.expr, key]),
            GetFieldAccess::ListRange {
                start,
                stop,
                stride,
            } => (
                FieldAccess::ListRange,
                vec![&expr.expr, start, stop, stride],
            ),
        };
        let hook = ExpressionHook::FieldAccess(access);
        Ok(match self.ask(hook, &operands, schema)? {
            Some(planned) => PlannerResult::Planned(planned),
            None => PlannerResult::Original(expr),
        })
    }

    fn plan_array_literal(
        &self,
        exprs: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        self.ask_over(ExpressionHook::ArrayLiteral, exprs, schema)
    }

    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.ask_args(ExpressionHook::Position, args)
    }

    fn plan_dictionary_literal(
        &self,
        expr: RawDictionaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawDictionaryExpr>> {
        let asked: Vec<&Expr> = expr.keys.iter().chain(&expr.values).collect();
        Ok(
            match self.ask(ExpressionHook::DictionaryLiteral, &asked, schema)? {
                Some(planned) => PlannerResult::Planned(planned),
                None => PlannerResult::Original(expr),
            },
        )
    }

    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.ask_args(ExpressionHook::Extract, args)
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.ask_args(ExpressionHook::Substring, args)
    }

    fn plan_struct_literal(
        &self,
        args: Vec<Expr>,
        is_named_struct: bool,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let named = is_named_struct;
        self.ask_args(ExpressionHook::StructLiteral { named }, args)
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.ask_args(ExpressionHook::Overlay, args)
    }

    fn plan_make_map(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.ask_args(ExpressionHook::MakeMap, args)
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let fields = vec![(qualifier.cloned(), Arc::new(field.clone()))];
        let schema = DFSchema::new_with_metadata(fields, Default::default())?;
        let nested = nested_names.to_vec();
        let hook = ExpressionHook::CompoundIdentifier { nested };
        self.ask_over(hook, Vec::new(), &schema)
    }

    fn plan_aggregate(&self, expr: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        if !self.is_asked(ExpressionHookKind::Aggregate) {
            return Ok(PlannerResult::Original(expr));
        }
        let original = expr.clone();
        let call = Expr::AggregateFunction(AggregateFunction {
            func: expr.func,
            params: AggregateFunctionParams {
                args: expr.args,
                distinct: expr.distinct,
                filter: expr.filter,
                order_by: expr.order_by,
                null_treatment: expr.null_treatment,
            },
        });
        Ok(
            match self.ask(ExpressionHook::Aggregate, &[&call], &DFSchema::empty())? {
                Some(planned) => PlannerResult::Planned(planned),
                None => PlannerResult::Original(original),
            },
        )
    }

    fn plan_window(&self, expr: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        if !self.is_asked(ExpressionHookKind::Window) {
            return Ok(PlannerResult::Original(expr));
        }
        let original = expr.clone();
        let call = Expr::from(WindowFunction {
            fun: expr.func_def,
            params: WindowFunctionParams {
                args: expr.args,
                partition_by: expr.partition_by,
                order_by: expr.order_by,
                window_frame: expr.window_frame,
                filter: expr.filter,
                null_treatment: expr.null_treatment,
                distinct: expr.distinct,
            },
        });
        Ok(
            match self.ask(ExpressionHook::Window, &[&call], &DFSchema::empty())? {
                Some(planned) => PlannerResult::Planned(planned),
                None => PlannerResult::Original(original),
            },
        )
    }
}
