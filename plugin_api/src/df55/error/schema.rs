//! [`SchemaError`]: its columns cross as a JSON payload, so that the very same error comes back.

use datafusion_common::{Column, DataFusionError, SchemaError, TableReference};
use serde::{Deserialize, Serialize};

use super::PAYLOAD;
use crate::abi::{CallError, ErrorKind, ErrorLink};

type Name = (Vec<String>, String);

#[derive(Serialize, Deserialize)]
enum Payload {
    Ambiguous(Name),
    DuplicateQualified(Vec<String>, String),
    DuplicateUnqualified(String),
    NotFound(Name, Vec<Name>),
}

pub(super) fn to_call_error(error: &SchemaError) -> CallError {
    let payload = match error {
        SchemaError::AmbiguousReference { field } => Payload::Ambiguous(name_of(field)),
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            Payload::DuplicateQualified(qualifier.to_vec(), name.clone())
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            Payload::DuplicateUnqualified(name.clone())
        }
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => Payload::NotFound(name_of(field), valid_fields.iter().map(name_of).collect()),
    };
    let plain = CallError::new(ErrorKind::Schema, error.to_string());
    match serde_json::to_string(&payload) {
        Ok(json) => plain.with_links(vec![ErrorLink::new(ErrorKind::Schema, PAYLOAD, json)]),
        Err(_) => plain,
    }
}

/// The error names its columns alone: `suffix` stands where a backtrace would.
pub(super) fn rebuild(message: &str, suffix: &str, links: &[ErrorLink]) -> DataFusionError {
    let payload = links
        .iter()
        .find(|link| link.detail() == PAYLOAD)
        .and_then(|link| serde_json::from_str(link.message()).ok());
    let error = match payload {
        Some(Payload::Ambiguous(field)) => SchemaError::AmbiguousReference {
            field: Box::new(column(field)),
        },
        Some(Payload::DuplicateQualified(qualifier, name)) => match qualified(qualifier) {
            Some(qualifier) => SchemaError::DuplicateQualifiedField {
                qualifier: Box::new(qualifier),
                name,
            },
            None => SchemaError::DuplicateUnqualifiedField { name },
        },
        Some(Payload::DuplicateUnqualified(name)) => {
            SchemaError::DuplicateUnqualifiedField { name }
        }
        Some(Payload::NotFound(field, valid)) => SchemaError::FieldNotFound {
            field: Box::new(column(field)),
            valid_fields: valid.into_iter().map(column).collect(),
        },
        None => return DataFusionError::Plan(format!("{message}{suffix}")),
    };
    DataFusionError::SchemaError(Box::new(error), Box::new(Some(suffix.to_owned())))
}

fn name_of(column: &Column) -> Name {
    let relation = column
        .relation
        .as_ref()
        .map(TableReference::to_vec)
        .unwrap_or_default();
    (relation, column.name.clone())
}

fn column((relation, name): Name) -> Column {
    Column::new(qualified(relation), name)
}

fn qualified(parts: Vec<String>) -> Option<TableReference> {
    match <[String; 3]>::try_from(parts) {
        Ok([catalog, schema, table]) => Some(TableReference::full(catalog, schema, table)),
        Err(parts) => match <[String; 2]>::try_from(parts) {
            Ok([schema, table]) => Some(TableReference::partial(schema, table)),
            Err(mut parts) => parts.pop().map(TableReference::bare),
        },
    }
}
