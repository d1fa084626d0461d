//! Signatures of functions.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{
    types::{LogicalType, LogicalTypeRef, NativeType, TypeSignature as LogicalSignature},
    utils::ListCoercion,
};
use datafusion_expr::{
    ArrayFunctionArgument, ArrayFunctionSignature, Coercion, EncodingPreservation, Signature,
    TypeSignature, TypeSignatureClass, Volatility,
};

use super::types::{TypeList, type_at, type_of_native};
use crate::abi::{
    CallError,
    message::{self, ArrayArgument, TypeClass},
};

/// How deep alternatives may nest in a signature that is read: DataFusion's `arity` takes time
/// exponential in it.
const MAX_DEPTH: usize = 16;
/// How many nodes a signature that is read may have.
const MAX_NODES: usize = 4096;

/// A signature as a message; the types that it speaks of are added to `types`.
///
/// # Errors
/// A contract error for a logical type that no physical type stands for.
pub fn signature_to_message(
    signature: &Signature,
    types: &mut TypeList,
) -> Result<message::Signature, CallError> {
    let Signature {
        type_signature,
        volatility,
        parameter_names,
    } = signature;
    Ok(message::Signature {
        accepts: accepts_to_message(type_signature, types)?,
        volatility: volatility_to_message(*volatility),
        parameter_names: parameter_names.clone(),
    })
}

/// The signature of a message whose positions refer to `types`.
///
/// # Errors
/// A contract error for a position that is out of range, and for a signature that nests deeper
/// than 16 levels or has more than 4,096 parts.
pub fn signature_from_message(
    message: &message::Signature,
    types: &[DataType],
) -> Result<Signature, CallError> {
    let mut reader = Reader {
        types,
        nodes: MAX_NODES,
    };
    Ok(Signature {
        type_signature: reader.accepts(&message.accepts, MAX_DEPTH)?,
        volatility: volatility_from_message(message.volatility),
        parameter_names: message.parameter_names.clone(),
    })
}

pub(crate) fn volatility_to_message(volatility: Volatility) -> message::Volatility {
    match volatility {
        Volatility::Immutable => message::Volatility::Immutable,
        Volatility::Stable => message::Volatility::Stable,
        Volatility::Volatile => message::Volatility::Volatile,
    }
}

pub(crate) fn volatility_from_message(volatility: message::Volatility) -> Volatility {
    match volatility {
        message::Volatility::Immutable => Volatility::Immutable,
        message::Volatility::Stable => Volatility::Stable,
        message::Volatility::Volatile => Volatility::Volatile,
    }
}

fn accepts_to_message(
    signature: &TypeSignature,
    types: &mut TypeList,
) -> Result<message::TypeSignature, CallError> {
    use message::TypeSignature as Message;

    let mut add_all = |all: &[DataType]| all.iter().map(|one| types.add(one)).collect();
    Ok(match signature {
        TypeSignature::Variadic(all) => Message::Variadic(add_all(all)),
        TypeSignature::UserDefined => Message::UserDefined,
        TypeSignature::VariadicAny => Message::VariadicAny,
        TypeSignature::Uniform(count, all) => Message::Uniform(*count, add_all(all)),
        TypeSignature::Exact(all) => Message::Exact(add_all(all)),
        TypeSignature::Coercible(coercions) => Message::Coercible(
            coercions
                .iter()
                .map(|coercion| coercion_to_message(coercion, types))
                .collect::<Result<_, _>>()?,
        ),
        TypeSignature::Comparable(count) => Message::Comparable(*count),
        TypeSignature::Any(count) => Message::Any(*count),
        TypeSignature::OneOf(alternatives) => Message::OneOf(
            alternatives
                .iter()
                .map(|alternative| accepts_to_message(alternative, types))
                .collect::<Result<_, _>>()?,
        ),
        TypeSignature::ArraySignature(ArrayFunctionSignature::Array {
            arguments,
            array_coercion,
        }) => Message::Array {
            arguments: arguments.iter().map(array_argument_to_message).collect(),
            fixed_size_list_to_list: match array_coercion {
                None => false,
                Some(ListCoercion::FixedSizedListToList) => true,
            },
        },
        TypeSignature::ArraySignature(ArrayFunctionSignature::RecursiveArray) => {
            Message::RecursiveArray
        }
        TypeSignature::ArraySignature(ArrayFunctionSignature::MapArray) => Message::MapArray,
        TypeSignature::Numeric(count) => Message::Numeric(*count),
        TypeSignature::String(count) => Message::String(*count),
        TypeSignature::Nullary => Message::Nullary,
    })
}

fn array_argument_to_message(argument: &ArrayFunctionArgument) -> ArrayArgument {
    match argument {
        ArrayFunctionArgument::Element => ArrayArgument::Element,
        ArrayFunctionArgument::Index => ArrayArgument::Index,
        ArrayFunctionArgument::Array => ArrayArgument::Array,
        ArrayFunctionArgument::String => ArrayArgument::String,
    }
}

fn coercion_to_message(
    coercion: &Coercion,
    types: &mut TypeList,
) -> Result<message::Coercion, CallError> {
    let desired = class_to_message(coercion.desired_type(), types)?;
    let implicit = coercion
        .default_casted_type()
        .map(|cast_to| {
            let sources = coercion
                .allowed_source_types()
                .iter()
                .map(|class| class_to_message(class, types))
                .collect::<Result<_, _>>()?;
            Ok::<_, CallError>((sources, types.add(&type_of_native(cast_to)?)))
        })
        .transpose()?;
    Ok(message::Coercion {
        desired,
        preserve_dictionary: coercion.encoding_preservation().preserve_dictionary(),
        implicit,
    })
}

fn class_to_message(
    class: &TypeSignatureClass,
    types: &mut TypeList,
) -> Result<TypeClass, CallError> {
    Ok(match class {
        TypeSignatureClass::Any => TypeClass::Any,
        TypeSignatureClass::Timestamp => TypeClass::Timestamp,
        TypeSignatureClass::Time => TypeClass::Time,
        TypeSignatureClass::Interval => TypeClass::Interval,
        TypeSignatureClass::Duration => TypeClass::Duration,
        TypeSignatureClass::Native(logical) => {
            let position = types.add(&type_of_native(logical.native())?);
            match logical.signature() {
                LogicalSignature::Native(_) => TypeClass::Native(position),
                LogicalSignature::Extension { name, .. } => {
                    TypeClass::Extension(name.to_owned(), position)
                }
            }
        }
        TypeSignatureClass::Integer => TypeClass::Integer,
        TypeSignatureClass::Float => TypeClass::Float,
        TypeSignatureClass::Decimal => TypeClass::Decimal,
        TypeSignatureClass::Numeric => TypeClass::Numeric,
        TypeSignatureClass::Binary => TypeClass::Binary,
    })
}

/// Reads a signature within bounds.
struct Reader<'a> {
    types: &'a [DataType],
    nodes: usize,
}

impl Reader<'_> {
    fn count(&mut self, nodes: usize) -> Result<(), CallError> {
        self.nodes = self.nodes.checked_sub(nodes).ok_or_else(|| {
            CallError::contract(format!("a signature of more than {MAX_NODES} parts"))
        })?;
        Ok(())
    }

    fn all(&mut self, positions: &[usize]) -> Result<Vec<DataType>, CallError> {
        self.count(positions.len())?;
        positions
            .iter()
            .map(|position| type_at(self.types, *position).cloned())
            .collect()
    }

    fn accepts(
        &mut self,
        message: &message::TypeSignature,
        depth: usize,
    ) -> Result<TypeSignature, CallError> {
        use message::TypeSignature as Message;

        self.count(1)?;
        Ok(match message {
            Message::Variadic(positions) => TypeSignature::Variadic(self.all(positions)?),
            Message::UserDefined => TypeSignature::UserDefined,
            Message::VariadicAny => TypeSignature::VariadicAny,
            Message::Uniform(count, positions) => {
                self.count(*count)?;
                TypeSignature::Uniform(*count, self.all(positions)?)
            }
            Message::Exact(positions) => TypeSignature::Exact(self.all(positions)?),
            Message::Coercible(coercions) => TypeSignature::Coercible(
                coercions
                    .iter()
                    .map(|coercion| self.coercion(coercion))
                    .collect::<Result<_, _>>()?,
            ),
            Message::Comparable(count) => {
                self.count(*count)?;
                TypeSignature::Comparable(*count)
            }
            Message::Any(count) => {
                self.count(*count)?;
                TypeSignature::Any(*count)
            }
            Message::OneOf(alternatives) => {
                let depth = depth.checked_sub(1).ok_or_else(|| {
                    CallError::contract(format!(
                        "a signature that nests deeper than {MAX_DEPTH} levels"
                    ))
                })?;
                TypeSignature::OneOf(
                    alternatives
                        .iter()
                        .map(|alternative| self.accepts(alternative, depth))
                        .collect::<Result<_, _>>()?,
                )
            }
            Message::Array {
                arguments,
                fixed_size_list_to_list,
            } => {
                self.count(arguments.len())?;
                TypeSignature::ArraySignature(ArrayFunctionSignature::Array {
                    arguments: arguments.iter().map(array_argument_from_message).collect(),
                    array_coercion: fixed_size_list_to_list
                        .then_some(ListCoercion::FixedSizedListToList),
                })
            }
            Message::RecursiveArray => {
                TypeSignature::ArraySignature(ArrayFunctionSignature::RecursiveArray)
            }
            Message::MapArray => TypeSignature::ArraySignature(ArrayFunctionSignature::MapArray),
            Message::Numeric(count) => {
                self.count(*count)?;
                TypeSignature::Numeric(*count)
            }
            Message::String(count) => {
                self.count(*count)?;
                TypeSignature::String(*count)
            }
            Message::Nullary => TypeSignature::Nullary,
        })
    }

    fn coercion(&mut self, message: &message::Coercion) -> Result<Coercion, CallError> {
        let desired = self.class(&message.desired)?;
        let coercion = match &message.implicit {
            None => Coercion::new_exact(desired),
            Some((sources, cast_to)) => {
                let sources = sources
                    .iter()
                    .map(|class| self.class(class))
                    .collect::<Result<_, _>>()?;
                let cast_to = NativeType::from(type_at(self.types, *cast_to)?);
                Coercion::new_implicit(desired, sources, cast_to)
            }
        };
        Ok(if message.preserve_dictionary {
            coercion.with_encoding_preservation(EncodingPreservation::dictionary())
        } else {
            coercion
        })
    }

    fn class(&mut self, message: &TypeClass) -> Result<TypeSignatureClass, CallError> {
        self.count(1)?;
        let native = |position: &usize| type_at(self.types, *position).map(NativeType::from);
        Ok(match message {
            TypeClass::Any => TypeSignatureClass::Any,
            TypeClass::Timestamp => TypeSignatureClass::Timestamp,
            TypeClass::Time => TypeSignatureClass::Time,
            TypeClass::Interval => TypeSignatureClass::Interval,
            TypeClass::Duration => TypeSignatureClass::Duration,
            TypeClass::Native(position) => TypeSignatureClass::Native(Arc::new(native(position)?)),
            TypeClass::Extension(name, position) => {
                let extension: LogicalTypeRef = Arc::new(ExtensionType {
                    name: name.clone(),
                    native: native(position)?,
                });
                TypeSignatureClass::Native(extension)
            }
            TypeClass::Integer => TypeSignatureClass::Integer,
            TypeClass::Float => TypeSignatureClass::Float,
            TypeClass::Decimal => TypeSignatureClass::Decimal,
            TypeClass::Numeric => TypeSignatureClass::Numeric,
            TypeClass::Binary => TypeSignatureClass::Binary,
        })
    }
}

fn array_argument_from_message(argument: &ArrayArgument) -> ArrayFunctionArgument {
    match argument {
        ArrayArgument::Element => ArrayFunctionArgument::Element,
        ArrayArgument::Index => ArrayFunctionArgument::Index,
        ArrayArgument::Array => ArrayFunctionArgument::Array,
        ArrayArgument::String => ArrayFunctionArgument::String,
    }
}

/// The extension type of another side's signature: its name and native type, which is all that
/// coercion looks at. Its parameters stay behind.
struct ExtensionType {
    name: String,
    native: NativeType,
}

impl LogicalType for ExtensionType {
    fn native(&self) -> &NativeType {
        &self.native
    }

    fn signature(&self) -> LogicalSignature<'_> {
        LogicalSignature::Extension {
            name: &self.name,
            parameters: &[],
        }
    }
}

#[cfg(test)]
mod tests;
