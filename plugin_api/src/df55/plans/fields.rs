//! The fields of a parcel, each once.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::FieldRef;

/// Fields by position.
#[derive(Debug, Default)]
pub(super) struct FieldList {
    fields: Vec<FieldRef>,
    /// Most fields of a plan are the same object in many schemas.
    by_address: HashMap<usize, usize>,
    by_value: HashMap<FieldRef, usize>,
}

impl FieldList {
    pub(super) fn add(&mut self, field: &FieldRef) -> usize {
        let address = Arc::as_ptr(field).addr();
        if let Some(position) = self.by_address.get(&address) {
            return *position;
        }
        let position = *self.by_value.entry(Arc::clone(field)).or_insert_with(|| {
            self.fields.push(Arc::clone(field));
            self.fields.len() - 1
        });
        // An address stands for its field only while the field is held.
        if self
            .fields
            .get(position)
            .is_some_and(|held| Arc::ptr_eq(held, field))
        {
            self.by_address.insert(address, position);
        }
        position
    }

    pub(super) fn into_inner(self) -> Vec<FieldRef> {
        self.fields
    }
}
