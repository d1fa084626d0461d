//! Bound calls, found again by value: DataFusion builds a call's argument fields anew for every
//! batch and gives a scalar function no place to keep what it bound.

use std::sync::Arc;

use arc_swap::ArcSwap;
use datafusion::{
    arrow::datatypes::FieldRef,
    common::{Result, ScalarValue, config::ConfigOptions},
    logical_expr::{ColumnarValue, ScalarFunctionArgs},
};
use datafusion_plugin_api::{
    abi::{
        Argument, ArgumentKind, ArrowArray, BoundScalarFunctionObject, Parcel, Value,
        message::{BindRequest, Settings},
    },
    df55::parcel::ParcelBuilder,
};

use super::{super::exchange, ScalarFunction};
use crate::import::settings::settings;

/// Bound calls kept per function.
const KEPT: usize = 32;
/// Bound calls that differ in their constants alone; past these, constants cross with each call.
/// A scalar need not be a literal: it may be computed, and differ from batch to batch.
const CONSTANT_VARIANTS: usize = 8;

/// The bound calls of one function, newest first. Readers take no lock.
#[derive(Debug, Default)]
pub(crate) struct BoundCalls(ArcSwap<Vec<Arc<BoundCall>>>);

#[derive(Debug)]
pub(crate) struct BoundCall {
    terms: Terms,
    object: BoundScalarFunctionObject,
}

/// What a call is bound to.
#[derive(Debug)]
pub(crate) struct Terms {
    arg_fields: Vec<FieldRef>,
    return_field: FieldRef,
    /// Per argument, the constant that is bound.
    constants: Vec<Option<ScalarValue>>,
    settings: Arc<Settings>,
}

/// What is known of a call.
pub(crate) enum Found {
    Bound(Arc<BoundCall>),
    /// The plugin is to be asked with this.
    Unbound(Box<(Terms, Parcel)>),
}

/// How well a bound call fits a call.
enum Fit {
    Yes,
    ButForConstants,
    No,
}

impl Terms {
    fn fit(&self, args: &ScalarFunctionArgs, settings: &Arc<Settings>) -> Fit {
        let same_types = same_fields(&self.arg_fields, &args.arg_fields)
            && same_field(&self.return_field, &args.return_field)
            && (Arc::ptr_eq(&self.settings, settings) || self.settings == *settings);
        if !same_types {
            return Fit::No;
        }
        let same_constants = self
            .constants
            .iter()
            .zip(&args.args)
            .all(|pair| match pair {
                (None, _) => true,
                (Some(bound), ColumnarValue::Scalar(scalar)) => bound == scalar,
                (Some(_), ColumnarValue::Array(_)) => false,
            });
        if same_constants {
            Fit::Yes
        } else {
            Fit::ButForConstants
        }
    }
}

fn same_field(a: &FieldRef, b: &FieldRef) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

fn same_fields(a: &[FieldRef], b: &[FieldRef]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_field(a, b))
}

impl ScalarFunction {
    pub(super) fn invoke(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let bound = self.bound_call(&args)?;
        let mut arguments = self.arguments(&bound, &args)?;
        let value = bound
            .object
            .invoke(arguments.as_mut_slice().into(), rows)
            .map_err(|error| self.origin.error(error))?;
        self.value(value, bound.return_field(), rows)
    }

    /// The arguments of a call in the form that crosses.
    pub(crate) fn arguments(
        &self,
        bound: &BoundCall,
        args: &ScalarFunctionArgs,
    ) -> Result<Vec<Argument>> {
        let mut arguments = Vec::with_capacity(args.args.len());
        for (i, value) in args.args.iter().enumerate() {
            let data_type = bound.terms.arg_fields[i].data_type();
            arguments.push(match value {
                ColumnarValue::Array(array) => Argument {
                    array: exchange::export(&self.origin, array, data_type)?,
                    kind: ArgumentKind::Column,
                },
                ColumnarValue::Scalar(_) if bound.terms.constants[i].is_some() => Argument {
                    array: ArrowArray::empty(),
                    kind: ArgumentKind::Bound,
                },
                ColumnarValue::Scalar(scalar) => Argument {
                    array: exchange::export(&self.origin, &scalar.to_array_of_size(1)?, data_type)?,
                    kind: ArgumentKind::Scalar,
                },
            });
        }
        Ok(arguments)
    }

    /// The result of a call as DataFusion takes it.
    pub(crate) fn value(
        &self,
        value: Value,
        return_field: &FieldRef,
        rows: usize,
    ) -> Result<ColumnarValue> {
        let expected = if value.scalar { 1 } else { rows };
        let array = exchange::import_result(&self.origin, value.array, return_field, expected)?;
        Ok(match value.scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?),
            false => ColumnarValue::Array(array),
        })
    }

    /// The bound call for `args`, made when there is none.
    fn bound_call(&self, args: &ScalarFunctionArgs) -> Result<Arc<BoundCall>> {
        match self.find(args)? {
            Found::Bound(call) => Ok(call),
            Found::Unbound(unbound) => {
                let (terms, request) = *unbound;
                let object = self.object.bind(request);
                let object = object.map_err(|error| self.origin.error(error))?;
                Ok(self.keep(terms, object))
            }
        }
    }

    /// The bound call for `args`, or what the plugin is to be asked for it.
    pub(crate) fn find(&self, args: &ScalarFunctionArgs) -> Result<Found> {
        let settings = self.settings(&args.config_options);
        let known = self.calls.0.load();
        let mut variants = 0;
        for call in known.iter() {
            match call.terms.fit(args, &settings) {
                Fit::Yes => return Ok(Found::Bound(Arc::clone(call))),
                Fit::ButForConstants => variants += 1,
                Fit::No => {}
            }
        }
        let unbound = self.unbound(args, settings, variants < CONSTANT_VARIANTS)?;
        Ok(Found::Unbound(Box::new(unbound)))
    }

    /// Keeps what the plugin has bound.
    pub(crate) fn keep(&self, terms: Terms, object: BoundScalarFunctionObject) -> Arc<BoundCall> {
        let bound = Arc::new(BoundCall { terms, object });
        self.calls.0.rcu(|known| {
            let mut next = Vec::with_capacity(KEPT);
            next.push(Arc::clone(&bound));
            next.extend(known.iter().take(KEPT - 1).cloned());
            next
        });
        bound
    }

    /// The settings that the function reads.
    fn settings(&self, options: &Arc<ConfigOptions>) -> Arc<Settings> {
        match &self.descriptor.reads_settings {
            None => settings(options),
            Some(keys) if keys.is_empty() => Arc::default(),
            Some(keys) => {
                let all = settings(options);
                if all.iter().all(|(key, _)| keys.contains(key)) {
                    return all;
                }
                Arc::new(
                    all.iter()
                        .filter(|(key, _)| keys.contains(key))
                        .cloned()
                        .collect(),
                )
            }
        }
    }

    fn unbound(
        &self,
        args: &ScalarFunctionArgs,
        settings: Arc<Settings>,
        with_constants: bool,
    ) -> Result<(Terms, Parcel)> {
        let types = args.args.iter().zip(&args.arg_fields);
        for (position, (value, field)) in types.enumerate() {
            if value.data_type() != *field.data_type() {
                return Err(self.origin.unfit(format!(
                    "argument {position} is of type {} where {} was planned",
                    value.data_type(),
                    field.data_type()
                )));
            }
        }
        let constants: Vec<Option<ScalarValue>> = args
            .args
            .iter()
            .map(|value| match value {
                ColumnarValue::Scalar(scalar) if with_constants => Some(scalar.clone()),
                _ => None,
            })
            .collect();
        let request = || {
            let mut request = ParcelBuilder::new()
                .fields(&args.arg_fields)
                .fields([&args.return_field]);
            let scalars = constants
                .iter()
                .map(|constant| constant.as_ref().map(|c| request.value(c)).transpose())
                .collect::<Result<_, _>>()?;
            let message = BindRequest {
                scalars,
                settings: settings.as_ref().clone(),
            };
            request.finish(&message)
        };
        let request = request().map_err(|error| self.origin.error(error))?;
        let terms = Terms {
            arg_fields: args.arg_fields.clone(),
            return_field: Arc::clone(&args.return_field),
            constants,
            settings,
        };
        Ok((terms, request))
    }
}

impl BoundCall {
    pub(crate) fn object(&self) -> &BoundScalarFunctionObject {
        &self.object
    }

    pub(crate) fn return_field(&self) -> &FieldRef {
        &self.terms.return_field
    }
}
