//! The plugin's side: rebuilds the call and its context, asks the author's function, writes what
//! it answers.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    datatypes::{DataType, FieldRef},
    temporal_conversions::timestamp_ns_to_datetime,
};
use datafusion_common::{Column, DFSchema, Result, exec_err, not_impl_err, plan_datafusion_err};
use datafusion_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
    preimage::PreimageResult,
    simplify::{ExprSimplifyResult, SimplifyContext},
};

use super::KEPT;
#[cfg(feature = "plans")]
use crate::df55::plans::reference_to_lent;
use crate::{
    abi::{
        CallError, Parcel,
        message::{
            ExpressionList, ExpressionSlot, PreimageReply, Rewrite, SimplifyReply, SimplifyRequest,
            VolatileArgument,
        },
    },
    df55::{
        error::{from_call_error, to_call_error},
        expressions::{Arrival, Departure, breach, functions_in, is_faithful, pack, unpack},
        function_table::FunctionTable,
        names::table_reference,
        parcel::{ParcelBuilder, ParcelContent},
        settings::options_from,
    },
};

/// Answers a request to simplify a call of `function`.
///
/// # Errors
/// Those of the author's function; not implemented for a rewritten expression that cannot cross.
pub fn answer_simplify(
    request: Parcel,
    function: &ScalarUDF,
    table: &FunctionTable,
) -> std::result::Result<Parcel, CallError> {
    simplify(request, function, table).map_err(|error| to_call_error(&error))
}

/// Answers a request for the preimage of a call of `function`.
///
/// # Errors
/// As for [`answer_simplify`].
pub fn answer_preimage(
    request: Parcel,
    function: &ScalarUDF,
    table: &FunctionTable,
) -> std::result::Result<Parcel, CallError> {
    preimage(request, function, table).map_err(|error| to_call_error(&error))
}

fn simplify(request: Parcel, function: &ScalarUDF, table: &FunctionTable) -> Result<Parcel> {
    let (args, info) = read(request, table)?;
    let (rewrite, exprs) = match function.simplify(args.clone(), &info)? {
        ExprSimplifyResult::Original(same) if same == args => (Rewrite::None, Vec::new()),
        // DataFusion would call the function with these.
        ExprSimplifyResult::Original(other) => (Rewrite::Arguments, other),
        ExprSimplifyResult::Simplified(expr) => (Rewrite::Call, vec![expr]),
    };
    let mut parcel = ParcelBuilder::new();
    let (expressions, blob) = write(exprs, table, &mut parcel)?;
    parcel
        .blob(blob)
        .finish(&SimplifyReply {
            rewrite,
            expressions,
        })
        .map_err(from_call_error)
}

fn preimage(request: Parcel, function: &ScalarUDF, table: &FunctionTable) -> Result<Parcel> {
    let (mut args, info) = read(request, table)?;
    let Some(literal) = args.pop() else {
        return Err(breach("a preimage of no constant".to_owned()));
    };
    let mut parcel = ParcelBuilder::new();
    let (reply, blob) = match function.preimage(&args, &literal, &info)? {
        PreimageResult::None => (PreimageReply::default(), Vec::new()),
        PreimageResult::Range { expr, interval } => {
            let lower = parcel.value(interval.lower()).map_err(from_call_error)?;
            let upper = parcel.value(interval.upper()).map_err(from_call_error)?;
            let (expressions, blob) = write(vec![expr], table, &mut parcel)?;
            let reply = PreimageReply {
                expressions,
                bounds: Some((lower, upper)),
            };
            (reply, blob)
        }
    };
    parcel.blob(blob).finish(&reply).map_err(from_call_error)
}

fn read(request: Parcel, table: &FunctionTable) -> Result<(Vec<Expr>, SimplifyContext)> {
    let request: ParcelContent<SimplifyRequest> =
        ParcelContent::read_signature(request).map_err(from_call_error)?;
    let message = &request.message;
    let functions = functions_in(&message.expressions, table)?;
    let exprs = unpack(
        &message.expressions,
        &request.blob,
        &request.values,
        functions,
        &KeptByHost::of(message, &request.fields),
    )?;
    if message.qualifiers.len() != request.fields.len() {
        return Err(breach(format!(
            "{} qualifiers of {} fields",
            message.qualifiers.len(),
            request.fields.len()
        )));
    }
    let fields = message
        .qualifiers
        .iter()
        .zip(&request.fields)
        .map(|(qualifier, field)| {
            Ok((
                table_reference(qualifier).map_err(from_call_error)?,
                Arc::clone(field),
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    let schema = DFSchema::new_with_metadata(fields, Default::default())?;
    let start = message
        .query_start
        .and_then(timestamp_ns_to_datetime)
        .map(|start| start.and_utc());
    let info = SimplifyContext::builder()
        .with_schema(Arc::new(schema))
        .with_query_execution_start_time(start)
        .with_config_options(options_from(&message.settings))
        .build();
    Ok((exprs, info))
}

fn write(
    exprs: Vec<Expr>,
    table: &FunctionTable,
    parcel: &mut ParcelBuilder,
) -> Result<(ExpressionList, Vec<u8>)> {
    let reference = |function: &ScalarUDF| {
        Ok(reference_to_lent(function).unwrap_or_else(|| table.reference(function)))
    };
    pack(exprs, &mut Returning, &reference, parcel)
}

#[cfg(not(feature = "plans"))]
fn reference_to_lent(_: &ScalarUDF) -> Option<crate::abi::message::FunctionReference> {
    None
}

/// What the host kept is a column here; what is volatile there is a volatile call here.
struct KeptByHost(HashMap<usize, Arc<ScalarUDF>>);

impl KeptByHost {
    fn of(request: &SimplifyRequest, fields: &[FieldRef]) -> Self {
        let calls = request.volatile.iter().map(|argument| {
            let field = fields
                .iter()
                .find(|field| field.name() == &kept_name(argument.kept));
            let call = VolatileCall {
                argument: argument.clone(),
                field: field.cloned(),
                signature: Signature::nullary(Volatility::Volatile),
            };
            (argument.kept, Arc::new(ScalarUDF::from(call)))
        });
        Self(calls.collect())
    }
}

impl Arrival for KeptByHost {
    fn kept(&self, number: usize) -> Result<Expr> {
        Ok(match self.0.get(&number) {
            Some(call) => call.call(Vec::new()),
            None => Expr::Column(Column::new_unqualified(kept_name(number))),
        })
    }
}

fn kept_name(number: usize) -> String {
    format!("{KEPT}{number}")
}

/// Stands for what is volatile on the host.
#[derive(Debug, PartialEq, Eq, Hash)]
struct VolatileCall {
    argument: VolatileArgument,
    /// As the host knows it, if it does.
    field: Option<FieldRef>,
    signature: Signature,
}

impl VolatileCall {
    fn known_field(&self) -> Result<&FieldRef> {
        let name = &self.argument.function;
        self.field
            .as_ref()
            .ok_or_else(|| plan_datafusion_err!("the host does not know the type of {name}()"))
    }
}

impl ScalarUDFImpl for VolatileCall {
    fn name(&self) -> &str {
        &self.argument.function
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        self.known_field().map(|field| field.data_type().clone())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        self.known_field().map(Arc::clone)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{}() is computed by the host", self.name())
    }
}

struct Returning;

impl Departure for Returning {
    fn instead_of(&mut self, expr: &Expr, _depth: usize) -> Result<Option<ExpressionSlot>> {
        match expr {
            Expr::Column(Column {
                relation: None,
                name,
                ..
            }) => Ok(name
                .strip_prefix(KEPT)
                .and_then(|number| number.parse().ok())
                .map(ExpressionSlot::Kept)),
            Expr::ScalarFunction(call) => {
                let kept = call.func.inner().downcast_ref::<VolatileCall>();
                Ok(kept.map(|call| ExpressionSlot::Kept(call.argument.kept)))
            }
            expr if is_faithful(expr) => Ok(None),
            expr => not_impl_err!("the rewritten expression {expr} cannot cross to the host"),
        }
    }
}
