//! Functions of plans as references.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::Result;
use datafusion_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use super::{
    fields::FieldList,
    foreign::descriptor,
    objects::{Leaving, Travelling},
};
use crate::{
    abi::message::{FunctionReference, Handle},
    df55::types::TypeList,
};

/// Writes references to functions, with descriptions where the other side needs them.
pub struct FunctionWriter<'a> {
    objects: &'a dyn Leaving,
    fields: FieldList,
    /// Descriptions come with types of their own.
    types: TypeList,
}

impl<'a> FunctionWriter<'a> {
    /// `objects` says what becomes of a function.
    pub fn new(objects: &'a dyn Leaving) -> Self {
        Self::after(objects, FieldList::default())
    }

    /// With fields that the parcel has already.
    pub(super) fn after(objects: &'a dyn Leaving, fields: FieldList) -> Self {
        Self {
            objects,
            fields,
            types: TypeList::default(),
        }
    }

    /// Whether the other side is to make a stand-in from a description.
    fn describes(&self, reference: &FunctionReference) -> bool {
        self.objects.describes() && matches!(reference.handle, Some(Handle::Lent(_)))
    }

    /// A scalar function.
    ///
    /// # Errors
    /// For one that cannot cross.
    pub fn scalar(&mut self, function: &ScalarUDF) -> Result<FunctionReference> {
        let mut reference = reference(self.objects.scalar(function)?, function.name());
        if self.describes(&reference) {
            let described = descriptor::scalar(function, &mut self.types)?;
            reference.descriptor = Some(Box::new(described));
            reference.field =
                descriptor::constant_field(function).map(|field| self.fields.add(&field));
        }
        Ok(reference)
    }

    /// An aggregate function.
    ///
    /// # Errors
    /// For one that cannot cross.
    pub fn aggregate(&mut self, function: &Arc<AggregateUDF>) -> Result<FunctionReference> {
        let mut reference = reference(self.objects.aggregate(function)?, function.name());
        if self.describes(&reference) {
            let described = descriptor::aggregate(function, &mut self.types)?;
            reference.descriptor = Some(Box::new(described));
        }
        Ok(reference)
    }

    /// A window function.
    ///
    /// # Errors
    /// For one that cannot cross.
    pub fn window(&mut self, function: &Arc<WindowUDF>) -> Result<FunctionReference> {
        let mut reference = reference(self.objects.window(function)?, function.name());
        if self.describes(&reference) {
            let described = descriptor::window(function, &mut self.types)?;
            reference.descriptor = Some(Box::new(described));
        }
        Ok(reference)
    }

    /// The parcel's fields, and the types of signatures after them.
    pub fn into_types(self) -> (Vec<FieldRef>, Vec<DataType>) {
        (self.fields.into_inner(), self.types.into_inner())
    }
}

fn reference(travelling: Travelling, name: &str) -> FunctionReference {
    match travelling {
        Travelling::Reference(reference) => reference,
        Travelling::Handle(handle) => FunctionReference {
            name: name.to_owned(),
            handle: Some(handle),
            ..FunctionReference::default()
        },
    }
}
