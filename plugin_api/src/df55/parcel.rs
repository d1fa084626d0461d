//! Writing and reading the fields, types and values of a [`Parcel`].

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, StructArray},
    datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
};
use datafusion_common::ScalarValue;
use serde::{Serialize, de::DeserializeOwned};

use super::error::to_call_error;
use crate::abi::{self, CallError, Parcel, TypesOf, Validation};

/// Collects what a message speaks of.
#[derive(Debug, Default)]
pub struct ParcelBuilder {
    fields: Vec<FieldRef>,
    metadata: HashMap<String, String>,
    values: Vec<ArrayRef>,
    blob: Vec<u8>,
}

impl ParcelBuilder {
    /// An empty parcel.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field; its position among the types.
    pub fn field(&mut self, field: &FieldRef) -> usize {
        self.fields.push(Arc::clone(field));
        self.fields.len() - 1
    }

    /// Adds fields, in order.
    pub fn fields<'a>(mut self, fields: impl IntoIterator<Item = &'a FieldRef>) -> Self {
        self.fields.extend(fields.into_iter().map(Arc::clone));
        self
    }

    /// Adds the fields of a schema, and its metadata.
    pub fn schema(mut self, schema: &Schema) -> Self {
        self.metadata.clone_from(schema.metadata());
        self.fields(schema.fields())
    }

    /// Adds types, in order.
    pub fn types<'a>(mut self, types: impl IntoIterator<Item = &'a DataType>) -> Self {
        self.fields.extend(
            types
                .into_iter()
                .map(|t| Arc::new(Field::new("", t.clone(), true))),
        );
        self
    }

    /// Adds a value; its position among the values.
    ///
    /// # Errors
    /// When the value has no array form.
    pub fn value(&mut self, value: &ScalarValue) -> Result<usize, CallError> {
        let array = value
            .to_array_of_size(1)
            .map_err(|error| to_call_error(&error))?;
        self.values.push(array);
        Ok(self.values.len() - 1)
    }

    /// Sets the bytes beside the message.
    pub fn blob(mut self, blob: Vec<u8>) -> Self {
        self.blob = blob;
        self
    }

    /// The parcel with its message.
    ///
    /// # Errors
    /// A contract error for what cannot be written.
    pub fn finish<M: Serialize>(self, message: &M) -> Result<Parcel, CallError> {
        let mut parcel = Parcel::of(message)?;
        parcel.blob = self.blob.into();
        parcel.types = self.fields.len();
        let value_fields: Vec<FieldRef> = self
            .values
            .iter()
            .map(|value| Arc::new(Field::new("", value.data_type().clone(), true)))
            .collect();
        if !self.values.is_empty() {
            let row = StructArray::try_new(value_fields.clone().into(), self.values, None)
                .map_err(|error| CallError::contract(error.to_string()))?;
            parcel.values = abi::export_array(&row);
        }
        let empty = self.fields.is_empty() && value_fields.is_empty() && self.metadata.is_empty();
        if !empty {
            let fields: Vec<_> = self.fields.into_iter().chain(value_fields).collect();
            let schema = Schema::new_with_metadata(fields, self.metadata);
            parcel.schema = abi::export_schema(&schema)?;
        }
        Ok(parcel)
    }
}

/// A parcel as read.
#[derive(Debug)]
pub struct ParcelContent<M> {
    /// The message.
    pub message: M,
    /// The fields that stand for types.
    pub fields: Vec<FieldRef>,
    /// The metadata of the schema that the fields are.
    pub metadata: HashMap<String, String>,
    /// The values.
    pub values: Vec<ScalarValue>,
    /// The bytes beside the message.
    pub blob: Vec<u8>,
}

impl<M: DeserializeOwned> ParcelContent<M> {
    /// Reads a parcel.
    ///
    /// # Errors
    /// A contract error when it is not what it should be.
    pub fn read(parcel: Parcel) -> Result<Self, CallError> {
        Self::read_types(parcel, TypesOf::Values)
    }

    /// Reads a parcel whose types are those of signatures.
    ///
    /// # Errors
    /// A contract error when it is not what it should be.
    pub fn read_signature(parcel: Parcel) -> Result<Self, CallError> {
        Self::read_types(parcel, TypesOf::Signatures)
    }

    fn read_types(mut parcel: Parcel, of: TypesOf) -> Result<Self, CallError> {
        let message = parcel.message()?;
        let schema = abi::import_types(&parcel.schema, of)?;
        let mut fields = schema.fields.to_vec();
        if parcel.types > fields.len() {
            return Err(CallError::contract(format!(
                "a parcel of {} types with {} fields",
                parcel.types,
                fields.len()
            )));
        }
        let value_fields = fields.split_off(parcel.types);
        let values = if parcel.values.is_released() {
            Vec::new()
        } else {
            let data_type = DataType::Struct(value_fields.into());
            // One row: what it costs to look at its values is little beside the message.
            let row = abi::import_validated(parcel.values.take(), &data_type, Validation::Full)?;
            scalars_of(&row)?
        };
        Ok(Self {
            message,
            fields,
            metadata: schema.metadata,
            values,
            blob: parcel.blob.into(),
        })
    }
}

impl<M> ParcelContent<M> {
    /// The only field.
    ///
    /// # Errors
    /// A contract error when there is not exactly one.
    pub fn only_field(&self) -> Result<FieldRef, CallError> {
        match self.fields.as_slice() {
            [field] => Ok(Arc::clone(field)),
            other => Err(CallError::contract(format!(
                "expected one field, found {}",
                other.len()
            ))),
        }
    }

    /// The schema that the fields are.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new_with_metadata(
            self.fields.clone(),
            self.metadata.clone(),
        ))
    }

    /// The value at a position.
    ///
    /// # Errors
    /// A contract error when there is none.
    pub fn value(&self, position: usize) -> Result<&ScalarValue, CallError> {
        self.values.get(position).ok_or_else(|| {
            CallError::contract(format!("value {position} of {}", self.values.len()))
        })
    }

    /// The types of the fields.
    pub fn types(&self) -> Vec<DataType> {
        self.fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect()
    }
}

fn scalars_of(row: &ArrayRef) -> Result<Vec<ScalarValue>, CallError> {
    let Some(row) = row
        .as_any()
        .downcast_ref::<StructArray>()
        .filter(|row| row.len() == 1)
    else {
        return Err(CallError::contract("values that are not one row"));
    };
    row.columns()
        .iter()
        .map(|column| ScalarValue::try_from_array(column, 0).map_err(|error| to_call_error(&error)))
        .collect()
}
