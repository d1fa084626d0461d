//! What planning asks of a scalar function.

use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::{Result, ScalarValue, config::ConfigOptions},
    execution::SessionStateDefaults,
    logical_expr::{
        Expr, ExpressionPlacement, StructFieldMapping,
        interval_arithmetic::Interval,
        sort_properties::{ExprProperties, SortProperties},
    },
};
use datafusion_plugin_api::{
    abi::{
        CallError, ErrorKind, Parcel, ScalarFunctionObject,
        message::{
            BoundsReply, BoundsRequest, CallRequest, ConditionalArguments, FieldsReply,
            FieldsRequest, FlagReply, OrderingReply, OrderingRequest, PlacementReply,
            PlacementRequest, PropagateReply, StructFieldMappingReply,
        },
    },
    df55::{
        parcel::{ParcelBuilder, ParcelContent},
        properties::{
            interval_from_bounds, interval_to_bounds, placement_from_message, placement_to_message,
            properties_to_message, sort_properties_from_message,
        },
        settings::settings_of,
    },
};

use super::ScalarFunction;

type Ask = fn(&ScalarFunctionObject, Parcel) -> Result<Parcel, CallError>;

impl ScalarFunction {
    /// One question that DataFusion asks to plan better, and whose error it turns into a plan that
    /// contradicts itself: a panic or a quarantine is told and answered with `unknown`, which is never wrong.
    fn ask_or<T>(
        &self,
        unknown: impl FnOnce() -> Result<T>,
        question: impl FnOnce() -> Result<T, CallError>,
    ) -> Result<T> {
        let answer = self.origin.admit().and_then(|()| question());
        answer.or_else(|error| {
            let no_answer = error.kind() == ErrorKind::Panic || error.is_not_called();
            let error = self.origin.error(error);
            if !no_answer {
                return Err(error);
            }
            self.origin.tell(&error);
            unknown()
        })
    }

    pub(super) fn return_field(
        &self,
        arg_fields: &[FieldRef],
        scalars: &[Option<&ScalarValue>],
    ) -> Result<FieldRef> {
        self.origin.call(|| {
            let mut request = ParcelBuilder::new().fields(arg_fields);
            let scalars = positions(&mut request, scalars)?;
            let reply = self.origin.plan(
                &self.object,
                ScalarFunctionObject::return_field,
                request.finish(&CallRequest { scalars })?,
            )?;
            ParcelContent::<FieldsReply>::read(reply)?.only_field()
        })
    }

    pub(super) fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.origin.call(|| {
            let request = ParcelBuilder::new()
                .types(arg_types)
                .finish(&FieldsRequest {})?;
            Ok(
                ParcelContent::<FieldsReply>::read_signature(self.origin.plan(
                    &self.object,
                    ScalarFunctionObject::coerce_types,
                    request,
                )?)?
                .types(),
            )
        })
    }

    /// `None` also when the plugin cannot be asked: the function then stays as it is.
    pub(super) fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarFunction> {
        let updated = self
            .origin
            .call(|| {
                self.origin.plan(
                    &self.object,
                    ScalarFunctionObject::with_updated_config,
                    Parcel::of(&settings_of(config))?,
                )
            })
            .inspect_err(|error| self.origin.tell(error))
            .ok()?;
        let object = updated.into_option()?;
        self.origin
            .call(|| ScalarFunction::import_derived(&self.origin, object))
            .inspect_err(|error| self.origin.tell(error))
            .ok()
    }

    pub(super) fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        let types = vec![DataType::Null; args.len()];
        let reply = self.origin.call(|| {
            let request = ParcelBuilder::new()
                .types(&types)
                .finish(&FieldsRequest {})?;
            self.origin
                .plan(
                    &self.object,
                    ScalarFunctionObject::conditional_arguments,
                    request,
                )?
                .message::<ConditionalArguments>()
        });
        // Without an answer every argument may stay unevaluated: never wrong, only slower.
        let everything_lazily = || (Vec::new(), args.iter().collect());
        let (always, lazily) = match reply {
            Ok(reply) => reply.split?,
            Err(error) => {
                self.origin.tell(&error);
                return Some(everything_lazily());
            }
        };
        let pick = |positions: Vec<usize>| -> Vec<&'a Expr> {
            positions
                .into_iter()
                .filter_map(|position| args.get(position))
                .collect()
        };
        Some((pick(always), pick(lazily)))
    }

    pub(super) fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        let arguments = args.iter().copied().map(placement_to_message).collect();
        self.origin
            .call(|| {
                let reply = self.origin.plan(
                    &self.object,
                    ScalarFunctionObject::placement,
                    Parcel::of(&PlacementRequest { arguments })?,
                )?;
                Ok(placement_from_message(
                    reply.message::<PlacementReply>()?.placement,
                ))
            })
            .unwrap_or_else(|error| {
                self.origin.tell(&error);
                ExpressionPlacement::KeepInPlace
            })
    }

    pub(super) fn evaluate_bounds(&self, inputs: &[&Interval]) -> Result<Interval> {
        let unbounded = || Interval::make_unbounded(&DataType::Null);
        self.ask_or(unbounded, || {
            let request = bounds(inputs.iter().copied(), &BoundsRequest {})?;
            let reply = ParcelContent::<BoundsReply>::read(self.origin.plan(
                &self.object,
                ScalarFunctionObject::evaluate_bounds,
                request,
            )?)?;
            interval_from_bounds(reply.value(0)?.clone(), reply.value(1)?.clone())
        })
    }

    pub(super) fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        let no_tighter = || Ok(Some(inputs.iter().map(|input| (*input).clone()).collect()));
        self.ask_or(no_tighter, || {
            let all = std::iter::once(interval).chain(inputs.iter().copied());
            let reply = self.origin.plan(
                &self.object,
                ScalarFunctionObject::propagate_constraints,
                bounds(all, &BoundsRequest {})?,
            )?;
            let reply = ParcelContent::<PropagateReply>::read(reply)?;
            if !reply.message.feasible {
                return Ok(None);
            }
            let tighter = reply
                .values
                .chunks_exact(2)
                .map(|pair| interval_from_bounds(pair[0].clone(), pair[1].clone()));
            tighter.collect::<Result<_, _>>().map(Some)
        })
    }

    pub(super) fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        let reply: OrderingReply =
            self.ask_properties(inputs, ScalarFunctionObject::output_ordering)?;
        Ok(sort_properties_from_message(reply.order))
    }

    pub(super) fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        let reply: FlagReply =
            self.ask_properties(inputs, ScalarFunctionObject::preserves_lex_ordering)?;
        Ok(reply.yes)
    }

    pub(super) fn strictly_order_preserving(&self, inputs: &[ExprProperties]) -> Result<bool> {
        let reply: FlagReply =
            self.ask_properties(inputs, ScalarFunctionObject::strictly_order_preserving)?;
        Ok(reply.yes)
    }

    fn ask_properties<M: serde::de::DeserializeOwned + Default>(
        &self,
        inputs: &[ExprProperties],
        question: Ask,
    ) -> Result<M> {
        self.ask_or(
            || Ok(M::default()),
            || {
                let mut request = ParcelBuilder::new();
                let mut arguments = Vec::with_capacity(inputs.len());
                for input in inputs {
                    let (message, bounds) = properties_to_message(input);
                    arguments.push(message);
                    for bound in &bounds {
                        request.value(bound)?;
                    }
                }
                let request = request.finish(&OrderingRequest { arguments })?;
                self.origin.plan(&self.object, question, request)?.message()
            },
        )
    }

    /// The mapping, where its accessor is a built-in function of the host too.
    pub(super) fn struct_field_mapping(
        &self,
        literals: &[Option<ScalarValue>],
    ) -> Option<StructFieldMapping> {
        let reply = self
            .origin
            .call(|| {
                let mut request = ParcelBuilder::new();
                let literals: Vec<_> = literals.iter().map(Option::as_ref).collect();
                let scalars = positions(&mut request, &literals)?;
                let reply = self.origin.plan(
                    &self.object,
                    ScalarFunctionObject::struct_field_mapping,
                    request.finish(&CallRequest { scalars })?,
                )?;
                ParcelContent::<StructFieldMappingReply>::read(reply)
            })
            .inspect_err(|error| self.origin.tell(error))
            .ok()?;
        let StructFieldMappingReply {
            accessor,
            debug,
            fields,
        } = reply.message;
        let accessor = accessor?;
        let field_accessor = SessionStateDefaults::default_scalar_functions()
            .into_iter()
            .find(|udf| udf.name() == accessor && format!("{:?}", udf.inner()) == debug)?;
        let mut values = reply.values.into_iter();
        let fields = fields
            .into_iter()
            .map(|(keys, argument)| (values.by_ref().take(keys).collect(), argument))
            .collect();
        Some(StructFieldMapping {
            field_accessor,
            fields,
        })
    }
}

fn positions(
    request: &mut ParcelBuilder,
    scalars: &[Option<&ScalarValue>],
) -> Result<Vec<Option<usize>>, CallError> {
    scalars
        .iter()
        .map(|scalar| scalar.map(|scalar| request.value(scalar)).transpose())
        .collect()
}

fn bounds<'a>(
    intervals: impl Iterator<Item = &'a Interval>,
    message: &BoundsRequest,
) -> Result<Parcel, CallError> {
    let mut request = ParcelBuilder::new();
    for bound in intervals.flat_map(interval_to_bounds) {
        request.value(&bound)?;
    }
    request.finish(message)
}
