//! A host and a plugin without a boundary between them but for the parcels.

use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion_common::{
    DFSchema, DataFusionError, Result, TableReference, config::ConfigOptions, internal_err,
};
use datafusion_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    interval_arithmetic::Interval,
    preimage::PreimageResult,
    simplify::{ExprSimplifyResult, SimplifyContext},
};

use crate::{
    abi::message::{FunctionReference, Settings},
    df55::{
        builtins::Builtins,
        function_table::FunctionTable,
        settings::settings_of,
        simplify::{
            HostFunctions, answer_preimage, answer_simplify, preimage_of_call, simplify_call,
        },
    },
};

/// A plugin with its functions, and the host's view of them.
pub(super) struct Pair {
    pub(super) table: FunctionTable,
    exports: Vec<Arc<ScalarUDF>>,
    builtins: Builtins,
    /// Names of the functions that were asked of the plugin.
    pub(super) derived: Mutex<Vec<String>>,
}

impl Pair {
    pub(super) fn new(exports: Vec<Arc<ScalarUDF>>) -> Self {
        let mut builtins = datafusion_functions::datetime::functions();
        builtins.extend(datafusion_functions::encoding::functions());
        Self {
            table: FunctionTable::new(exports.clone()),
            exports,
            builtins: Builtins::new(builtins),
            derived: Mutex::default(),
        }
    }

    pub(super) fn simplify(
        &self,
        function: &ScalarUDF,
        args: Vec<Expr>,
        info: &SimplifyContext,
    ) -> Result<ExprSimplifyResult> {
        simplify_call(args, info, settings(info), self, |request| {
            answer_simplify(request, function, &self.table)
        })
    }

    pub(super) fn preimage(
        &self,
        function: &ScalarUDF,
        args: &[Expr],
        literal: &Expr,
        info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        preimage_of_call(args, literal, info, settings(info), self, |request| {
            answer_preimage(request, function, &self.table)
        })
    }

    /// Simplifies linked in and across; the outcomes are the same.
    pub(super) fn agree(&self, function: &ScalarUDF, args: Vec<Expr>, info: &SimplifyContext) {
        let linked = function.simplify(args.clone(), info).unwrap();
        let across = self.simplify(function, args, info).unwrap();
        match (linked, across) {
            (ExprSimplifyResult::Simplified(linked), ExprSimplifyResult::Simplified(across)) => {
                assert_eq!(linked, across);
                // Aliases compare without their metadata.
                assert_eq!(format!("{linked:?}"), format!("{across:?}"));
            }
            (ExprSimplifyResult::Original(linked), ExprSimplifyResult::Original(across)) => {
                assert_eq!(linked, across);
            }
            (linked, across) => panic!("linked in {linked:?}, across {across:?}"),
        }
    }
}

fn settings(info: &SimplifyContext) -> Settings {
    settings_of(info.config_options())
}

impl HostFunctions for Pair {
    fn reference(&self, function: &ScalarUDF) -> Option<FunctionReference> {
        let position = self.exports.iter().position(|f| f.as_ref() == function)?;
        Some(FunctionReference {
            name: function.name().to_owned(),
            identity: position as u64,
            ..Default::default()
        })
    }

    fn exported(&self, reference: &FunctionReference) -> Option<Arc<ScalarUDF>> {
        self.exports.get(reference.export?).cloned()
    }

    fn builtins(&self) -> &Builtins {
        &self.builtins
    }

    fn lent(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
        let name = &reference.name;
        Err(DataFusionError::Internal(format!("'{name}' is not lent")))
    }

    fn derived(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
        self.derived.lock().unwrap().push(reference.name.clone());
        self.table
            .get(reference.identity)
            .ok_or_else(|| DataFusionError::Internal("no such function".to_owned()))
    }
}

/// A schema of two tables, one of whose names is not lower case.
pub(super) fn context() -> SimplifyContext {
    let table = Some(TableReference::bare("t"));
    let other = Some(TableReference::full("Cat", "Sch", "T1"));
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = DFSchema::new_with_metadata(
        vec![
            (table.clone(), Arc::new(field("i", DataType::Int32))),
            (table.clone(), Arc::new(field("s", DataType::Utf8View))),
            (table.clone(), Arc::new(field("b", DataType::Binary))),
            (table.clone(), Arc::new(field("d", DataType::Date32))),
            (table.clone(), Arc::new(field("ts", micros))),
            (
                table.clone(),
                Arc::new(field("time", DataType::Time64(TimeUnit::Microsecond))),
            ),
            (table, Arc::new(field("bool", DataType::Boolean))),
            (
                other,
                Arc::new(
                    Field::new("X.y", DataType::Int64, false)
                        .with_metadata([("k".to_owned(), "v".to_owned())].into()),
                ),
            ),
        ],
        Default::default(),
    )
    .unwrap();
    let mut options = ConfigOptions::new();
    options.execution.time_zone = Some("Europe/Berlin".to_owned());
    let start = arrow::temporal_conversions::timestamp_ns_to_datetime(1_700_000_000_123_456_789);
    SimplifyContext::builder()
        .with_schema(Arc::new(schema))
        .with_config_options(Arc::new(options))
        .with_query_execution_start_time(start.map(|start| start.and_utc()))
        .build()
}

/// What a [`Rewriter`] makes of its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Rewriting {
    /// The first argument.
    First,
    /// The arguments, reversed.
    Reversed,
    /// The arguments as they are.
    Same,
    /// The context's facts about the first argument, as a literal.
    Facts,
    /// The kind of the first argument, as a literal.
    Kind,
    /// A call of another function, as many levels deep as it says.
    Call(Arc<ScalarUDF>, usize),
    /// A column that the host uses for itself.
    Forged,
    /// Its first argument, inside an interval.
    Preimage,
}

/// A function that exists only through `simplify`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Rewriter {
    name: &'static str,
    rewriting: Rewriting,
    signature: Signature,
}

/// A [`Rewriter`] as a function.
pub(super) fn rewriter(name: &'static str, rewriting: Rewriting) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Rewriter {
        name,
        rewriting,
        signature: Signature::variadic_any(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for Rewriter {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("only simplified")
    }

    fn simplify(&self, mut args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Simplified(match &self.rewriting {
            Rewriting::First => args.swap_remove(0),
            Rewriting::Reversed => {
                args.reverse();
                return Ok(ExprSimplifyResult::Original(args));
            }
            Rewriting::Same | Rewriting::Preimage => return Ok(ExprSimplifyResult::Original(args)),
            Rewriting::Facts => {
                use datafusion_expr::ExprSchemable;
                let (_, field) = args[0].to_field(info.schema().as_ref())?;
                datafusion_expr::lit(format!(
                    "{} {} {:?} {} {:?} {:?}",
                    field.data_type(),
                    field.is_nullable(),
                    field.metadata(),
                    args[0].is_volatile(),
                    info.query_execution_start_time(),
                    info.config_options().execution.time_zone,
                ))
            }
            Rewriting::Kind => datafusion_expr::lit(args[0].variant_name()),
            Rewriting::Call(function, levels) => {
                (0..*levels).fold(args.swap_remove(0), |inner, _| function.call(vec![inner]))
            }
            Rewriting::Forged => datafusion_expr::col("__df_plugin_arg_x"),
        }))
    }

    fn preimage(
        &self,
        args: &[Expr],
        literal: &Expr,
        _info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        let (Rewriting::Preimage, Expr::Literal(value, _)) = (&self.rewriting, literal) else {
            return Ok(PreimageResult::None);
        };
        Ok(PreimageResult::Range {
            expr: args[0].clone(),
            interval: Box::new(Interval::try_new(value.clone(), value.clone())?),
        })
    }
}
