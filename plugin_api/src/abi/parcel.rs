//! What the calls that are not per batch exchange.

use abi_stable::{StableAbi, std_types::RVec};
use serde::{Serialize, de::DeserializeOwned};

use super::{ArrowArray, ArrowSchema, CallError};

/// A message with the types and constant values that it speaks of.
///
/// The message is JSON of a type in [`crate::abi::message`]; it refers to types and values by
/// position. `schema` is a struct type: first `types` fields that stand for types alone, then one
/// field for each column of `values`, a struct array of one row. Unknown keys of a message are
/// ignored and absent ones take their default, which is how messages grow inside a major.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Parcel {
    /// JSON.
    pub message: RVec<u8>,
    /// Protobuf or other bytes that the message speaks of.
    pub blob: RVec<u8>,
    /// The types, then the types of the values.
    pub schema: ArrowSchema,
    /// How many of the schema's fields are types without a value.
    pub types: usize,
    /// One row, one column per value; released when there are none.
    pub values: ArrowArray,
}

impl Parcel {
    /// A message that speaks of no types and no values.
    ///
    /// # Errors
    /// A contract error when the message cannot be written.
    pub fn of<M: Serialize>(message: &M) -> Result<Self, CallError> {
        let message = serde_json::to_vec(message)
            .map_err(|error| CallError::contract(format!("cannot write a message: {error}")))?;
        Ok(Self {
            message: message.into(),
            blob: RVec::new(),
            schema: ArrowSchema::empty(),
            types: 0,
            values: ArrowArray::empty(),
        })
    }

    /// Reads the message.
    ///
    /// # Errors
    /// A contract error when it is not JSON of the expected form.
    pub fn message<M: DeserializeOwned>(&self) -> Result<M, CallError> {
        serde_json::from_slice(&self.message)
            .map_err(|error| CallError::contract(format!("cannot read a message: {error}")))
    }
}
