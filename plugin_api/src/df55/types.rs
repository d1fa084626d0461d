//! Types that messages refer to by position, and the types that stand for logical types.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, UnionFields, UnionMode};
use datafusion_common::types::{LogicalField, NativeType};

use crate::abi::CallError;

/// The types of a parcel that is being written: each type once.
#[derive(Debug, Clone, Default)]
pub struct TypeList(Vec<DataType>);

impl TypeList {
    /// The position of `data_type`, which is added if it is not there yet.
    pub fn add(&mut self, data_type: &DataType) -> usize {
        if let Some(position) = self.0.iter().position(|known| known == data_type) {
            return position;
        }
        self.0.push(data_type.clone());
        self.0.len() - 1
    }

    /// The types in the order of their positions.
    pub fn as_slice(&self) -> &[DataType] {
        &self.0
    }

    /// The types in the order of their positions.
    pub fn into_inner(self) -> Vec<DataType> {
        self.0
    }
}

/// The type at a position.
///
/// # Errors
/// A contract error when there is none.
pub(crate) fn type_at(types: &[DataType], position: usize) -> Result<&DataType, CallError> {
    types.get(position).ok_or_else(|| {
        CallError::contract(format!(
            "a message refers to type {position} of {}",
            types.len()
        ))
    })
}

/// A type whose [`NativeType`] is `native`.
///
/// # Errors
/// A contract error when no type is: an extension type inside a nested one, or a union whose type
/// ids repeat.
pub(crate) fn type_of_native(native: &NativeType) -> Result<DataType, CallError> {
    let data_type = physical(native)?;
    if NativeType::from(&data_type) == *native {
        Ok(data_type)
    } else {
        Err(CallError::contract(format!(
            "the logical type {native} has no physical type that stands for it"
        )))
    }
}

fn physical(native: &NativeType) -> Result<DataType, CallError> {
    Ok(match native {
        NativeType::Null => DataType::Null,
        NativeType::Boolean => DataType::Boolean,
        NativeType::Int8 => DataType::Int8,
        NativeType::Int16 => DataType::Int16,
        NativeType::Int32 => DataType::Int32,
        NativeType::Int64 => DataType::Int64,
        NativeType::UInt8 => DataType::UInt8,
        NativeType::UInt16 => DataType::UInt16,
        NativeType::UInt32 => DataType::UInt32,
        NativeType::UInt64 => DataType::UInt64,
        NativeType::Float16 => DataType::Float16,
        NativeType::Float32 => DataType::Float32,
        NativeType::Float64 => DataType::Float64,
        NativeType::Timestamp(unit, zone) => DataType::Timestamp(*unit, zone.clone()),
        NativeType::Date => DataType::Date32,
        NativeType::Time(unit @ (TimeUnit::Second | TimeUnit::Millisecond)) => {
            DataType::Time32(*unit)
        }
        NativeType::Time(unit) => DataType::Time64(*unit),
        NativeType::Duration(unit) => DataType::Duration(*unit),
        NativeType::Interval(unit) => DataType::Interval(*unit),
        NativeType::Binary => DataType::Binary,
        NativeType::FixedSizeBinary(size) => DataType::FixedSizeBinary(*size),
        NativeType::String => DataType::Utf8,
        NativeType::List(field) => DataType::List(physical_field(field)?),
        NativeType::FixedSizeList(field, size) => {
            DataType::FixedSizeList(physical_field(field)?, *size)
        }
        NativeType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| physical_field(field))
                .collect::<Result<_, _>>()?,
        ),
        NativeType::Union(fields) => {
            let ids = fields.iter().map(|(id, _)| *id);
            let children = fields
                .iter()
                .map(|(_, field)| physical_field(field))
                .collect::<Result<Vec<_>, _>>()?;
            let fields = UnionFields::try_new(ids, children)
                .map_err(|error| CallError::contract(format!("the union {native}: {error}")))?;
            DataType::Union(fields, UnionMode::Sparse)
        }
        NativeType::Decimal(precision, scale) if *precision <= 38 => {
            DataType::Decimal128(*precision, *scale)
        }
        NativeType::Decimal(precision, scale) => DataType::Decimal256(*precision, *scale),
        NativeType::Map(field) => DataType::Map(physical_field(field)?, false),
    })
}

fn physical_field(field: &LogicalField) -> Result<FieldRef, CallError> {
    let data_type = physical(field.logical_type.native())?;
    Ok(Arc::new(Field::new(
        field.name.clone(),
        data_type,
        field.nullable,
    )))
}
