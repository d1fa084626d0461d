//! Schemas with qualified fields.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{FieldRef, Schema};
use datafusion_common::{
    DFSchema, DFSchemaRef, Dependency, FunctionalDependence, FunctionalDependencies, Result,
    TableReference,
};

use super::{fields::FieldList, names::NameList};
use crate::{
    abi::message::{Dependence, QualifiedSchema},
    df55::expressions::breach,
};

/// Schemas by position, each once.
#[derive(Default)]
pub(super) struct SchemaList {
    schemas: HashMap<QualifiedSchema, usize>,
    /// Held, so that an address stands for its schema.
    by_address: HashMap<usize, (DFSchemaRef, usize)>,
}

impl SchemaList {
    pub(super) fn add_shared(
        &mut self,
        schema: &DFSchemaRef,
        fields: &mut FieldList,
        names: &mut NameList,
    ) -> usize {
        let address = Arc::as_ptr(schema).addr();
        if let Some((_, position)) = self.by_address.get(&address) {
            return *position;
        }
        let position = self.add(schema, fields, names);
        self.by_address
            .insert(address, (Arc::clone(schema), position));
        position
    }

    pub(super) fn add(
        &mut self,
        schema: &DFSchema,
        fields: &mut FieldList,
        names: &mut NameList,
    ) -> usize {
        let (qualifiers, fields) = schema
            .iter()
            .map(|(qualifier, field)| {
                let qualifier = qualifier.map_or(0, |qualifier| names.add(qualifier) + 1);
                (qualifier, fields.add(field))
            })
            .unzip();
        let message = QualifiedSchema {
            fields,
            qualifiers,
            metadata: schema.metadata().clone().into_iter().collect(),
            dependencies: schema
                .functional_dependencies()
                .iter()
                .map(|dependence| Dependence {
                    from: dependence.source_indices.clone(),
                    to: dependence.target_indices.clone(),
                    nullable: dependence.nullable,
                    repeats: dependence.mode == Dependency::Multi,
                })
                .collect(),
        };
        let next = self.schemas.len();
        *self.schemas.entry(message).or_insert(next)
    }

    pub(super) fn into_messages(self) -> Vec<QualifiedSchema> {
        let mut messages: Vec<_> = self.schemas.into_iter().collect();
        messages.sort_unstable_by_key(|(_, position)| *position);
        messages.into_iter().map(|(message, _)| message).collect()
    }
}

/// The schema of a message.
pub(super) fn schema_of(
    message: &QualifiedSchema,
    fields: &[FieldRef],
    names: &[TableReference],
) -> Result<DFSchema> {
    if message.fields.len() != message.qualifiers.len() {
        return Err(breach(format!(
            "a schema of {} fields with {} qualifiers",
            message.fields.len(),
            message.qualifiers.len()
        )));
    }
    let chosen = message.fields.iter().map(|position| {
        let field = fields.get(*position).cloned();
        field.ok_or_else(|| breach(format!("field {position} of {}", fields.len())))
    });
    let chosen = chosen.collect::<Result<Vec<_>>>()?;
    let qualifiers = message.qualifiers.iter().map(|position| match position {
        0 => Ok(None),
        position => match names.get(position - 1) {
            Some(name) => Ok(Some(name.clone())),
            None => Err(breach(format!("name {position} of {}", names.len()))),
        },
    });
    let qualifiers = qualifiers.collect::<Result<Vec<_>>>()?;
    let metadata = message.metadata.clone().into_iter().collect();
    let schema = Arc::new(Schema::new_with_metadata(chosen, metadata));
    let schema = DFSchema::from_field_specific_qualified_schema(qualifiers, &schema)?;
    if message.dependencies.is_empty() {
        return Ok(schema);
    }
    let dependencies = message.dependencies.iter().map(|dependence| {
        let mode = match dependence.repeats {
            true => Dependency::Multi,
            false => Dependency::Single,
        };
        FunctionalDependence::new(
            dependence.from.clone(),
            dependence.to.clone(),
            dependence.nullable,
        )
        .with_mode(mode)
    });
    schema.with_functional_dependencies(FunctionalDependencies::new(dependencies.collect()))
}
