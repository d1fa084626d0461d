//! Constraints of a table that a write cannot enforce.
//!
//! `deltalake` checks columns and struct fields that must not be null, elements of arrays and maps,
//! invariants, CHECK constraints and generated columns. What it would pass over in silence is
//! refused here.

use datafusion::{
    arrow::datatypes::{DataType, Field, Fields},
    common::exec_err,
    error::{DataFusionError, Result},
};
use deltalake::kernel::EagerSnapshot;

use crate::{location::Location, protocol::writer_features};

/// Keys of a field's metadata, and the feature that makes a writer keep to them.
const DECLARED: [(&str, &str); 2] = [
    ("delta.invariants", "invariants"),
    ("delta.generationExpression", "generatedColumns"),
];

/// # Errors
/// When rows cannot be added to the table with all of its constraints checked; names the column and
/// the constraint.
pub(crate) fn enforceable(location: &Location, snapshot: &EagerSnapshot) -> Result<()> {
    let features = writer_features(snapshot.protocol());
    let properties = snapshot.metadata().configuration();
    let mut checks = properties
        .keys()
        .filter_map(|key| key.strip_prefix("delta.constraints."));
    if let Some(name) = checks.next()
        && !features.contains("checkConstraints")
    {
        return exec_err!(
            "the Delta table '{location}' has the constraint '{name}', but its protocol does not \
             turn the feature checkConstraints on; nothing was written"
        );
    }
    let problem = each(snapshot.arrow_schema().fields(), "", false, &|feature| {
        features.contains(feature)
    });
    match problem {
        None => Ok(()),
        Some(problem) => {
            exec_err!("the Delta table '{location}' cannot be written to: {problem}")
        }
    }
}

/// `error`, with the table's constraints where it says that rows broke one: it names the rows only.
pub(crate) fn explained(snapshot: &EagerSnapshot, error: DataFusionError) -> DataFusionError {
    if !error.strip_backtrace().contains("failed validation check") {
        return error;
    }
    let schema = snapshot.arrow_schema();
    let fields = schema.fields().iter();
    let must = fields.clone().filter(|field| !field.is_nullable());
    let must = must.map(|field| format!("{} is not null", field.name()));
    let declared = fields.flat_map(|field| {
        let metadata = DECLARED
            .iter()
            .filter_map(|(key, _)| field.metadata().get(*key));
        metadata.map(|declared| format!("{}: {declared}", field.name()))
    });
    let mut checks: Vec<_> = snapshot.metadata().configuration().iter().collect();
    checks.sort();
    let checks = checks.into_iter().filter_map(|(key, check)| {
        let name = key.strip_prefix("delta.constraints.")?;
        Some(format!("{name}: {check}"))
    });
    let all: Vec<String> = must.chain(declared).chain(checks).collect();
    error.context(format!(
        "nothing was changed, because rows break a constraint of the table; it has: {}",
        all.join("; ")
    ))
}

fn each(
    fields: &Fields,
    parent: &str,
    in_elements: bool,
    enabled: &dyn Fn(&str) -> bool,
) -> Option<String> {
    fields
        .iter()
        .find_map(|field| one(field, &join(parent, field.name()), in_elements, enabled))
}

/// What cannot be enforced of `field`. `in_elements` says whether it stands within the elements of
/// an array or map.
fn one(
    field: &Field,
    path: &str,
    in_elements: bool,
    enabled: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let metadata = field.metadata();
    if let Some(declared) = metadata.get("__CHAR_VARCHAR_TYPE_STRING") {
        return Some(format!(
            "column '{path}' is declared {declared}, and lengths are not checked"
        ));
    }
    for (key, feature) in DECLARED {
        if metadata.contains_key(key) && !enabled(feature) {
            return Some(format!(
                "column '{path}' declares {key}, but the table's protocol does not turn the \
                 feature {feature} on"
            ));
        }
    }
    if in_elements && !field.is_nullable() {
        return Some(format!(
            "column '{path}' must not be null, which is not checked within elements"
        ));
    }
    match field.data_type() {
        DataType::Struct(fields) => each(fields, path, in_elements, enabled),
        DataType::List(element) | DataType::LargeList(element) => {
            // Whether the element itself is null is checked, unless it is in an element again.
            let checked = !in_elements;
            inner(element, &join(path, "element"), checked, enabled)
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.iter().enumerate().find_map(|(i, field)| {
                // The first is the key, which is never null.
                let checked = i == 0 || !in_elements;
                inner(field, &join(path, field.name()), checked, enabled)
            }),
            _ => None,
        },
        _ => None,
    }
}

fn inner(
    field: &Field,
    path: &str,
    checked: bool,
    enabled: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if checked {
        let nullable = field.clone().with_nullable(true);
        one(&nullable, path, true, enabled)
    } else {
        one(field, path, true, enabled)
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use super::*;

    fn problem(field: Field) -> Option<String> {
        each(&vec![field].into(), "", false, &|_| false)
    }

    fn structure(field: Field) -> DataType {
        DataType::Struct(vec![field].into())
    }

    #[test]
    fn nulls_are_refused_only_where_they_are_not_checked() {
        let must = |name: &str| Field::new(name, DataType::Int32, false);
        assert_eq!(problem(must("a")), None);
        assert_eq!(problem(Field::new("s", structure(must("a")), true)), None);
        let list = Field::new_list("l", must("element"), false);
        assert_eq!(problem(list.clone()), None);
        let of_structs = Field::new("element", structure(must("a")), false);
        let found = problem(Field::new_list("l", of_structs, true)).unwrap();
        assert!(found.contains("'l.element.a'"), "{found}");
        let of_lists = list.with_name("element").with_nullable(true);
        let found = problem(Field::new_list("l", of_lists, true)).unwrap();
        assert!(found.contains("'l.element.element'"), "{found}");
        let map = |value| Field::new_map("m", "entries", must("key"), value, false, false);
        assert_eq!(problem(map(must("value"))), None);
        let found = problem(map(Field::new("value", structure(must("a")), true))).unwrap();
        assert!(found.contains("'m.value.a'"), "{found}");
    }

    #[test]
    fn declared_constraints_are_refused_unless_the_feature_is_on() {
        let declared = |key: &str| {
            let metadata = HashMap::from([(key.to_owned(), "varchar(3)".to_owned())]);
            Field::new("a", DataType::Utf8, true).with_metadata(metadata)
        };
        assert!(problem(declared("__CHAR_VARCHAR_TYPE_STRING")).is_some());
        assert!(problem(declared("delta.invariants")).is_some());
        let on = [Arc::new(declared("delta.invariants"))];
        let on: Fields = on.into_iter().collect();
        assert_eq!(each(&on, "", false, &|_| true), None);
    }
}
