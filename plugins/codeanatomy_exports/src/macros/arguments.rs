//! The arguments that a macro declares, and the types that a call's are made to fit.

use std::sync::Arc;

use arrow::{
    compute::can_cast_types,
    datatypes::{DataType, Field, Fields, Schema, SchemaRef},
};
use datafusion_common::{Result, plan_err};
use datafusion_expr::CreateFunction;
use sqlparser::ast::Ident;

/// The arguments as columns: by their names, or `$1`, `$2`, ...
pub(super) fn declared(statement: &CreateFunction) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = Vec::new();
    for (at, arg) in statement.args.iter().flatten().enumerate() {
        let name = match &arg.name {
            Some(name) => normalized(name),
            None => format!("${}", at + 1),
        };
        if fields.iter().any(|field| *field.name() == name) {
            return plan_err!("macro '{}' has two arguments '{name}'", statement.name);
        }
        fields.push(Field::new(name, arg.data_type.clone(), true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The parser leaves the quotes of these names in their text.
fn normalized(name: &Ident) -> String {
    let text = name.value.as_str();
    if name.quote_style.is_some() {
        return text.to_owned();
    }
    let quotes = [('"', '"'), ('`', '`'), ('[', ']')];
    let mut quoted = quotes
        .into_iter()
        .filter_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    match quoted.next() {
        Some(quoted) => quoted.to_owned(),
        None => text.to_ascii_lowercase(),
    }
}

/// Which argument `$1`, `$name` or `$NAME` is.
pub(super) fn position(arguments: &Fields, placeholder: &str) -> Option<usize> {
    let name = placeholder.trim_start_matches('$');
    if let Ok(number) = name.parse::<usize>() {
        return number.checked_sub(1).filter(|at| *at < arguments.len());
    }
    let at = |name: &str| arguments.iter().position(|field| field.name() == name);
    at(name).or_else(|| at(&name.to_ascii_lowercase()))
}

/// The types to which a call's arguments are cast; those after `required` may be absent.
pub(super) fn coerced(
    macro_name: &str,
    declared: &Fields,
    required: usize,
    given: &[DataType],
) -> Result<Vec<DataType>> {
    let most = declared.len();
    if !(required..=most).contains(&given.len()) {
        let expected = match required == most {
            true => most.to_string(),
            false => format!("{required} to {most}"),
        };
        let found = given.len();
        return plan_err!("macro '{macro_name}' takes {expected} arguments, not {found}");
    }
    for (field, given) in declared.iter().zip(given) {
        if !fits(field.data_type(), given) {
            return plan_err!(
                "macro '{macro_name}': the argument '{}' is of type {}, not {given}",
                field.name(),
                field.data_type()
            );
        }
    }
    let types = declared.iter().map(|field| field.data_type().clone());
    Ok(types.take(given.len()).collect())
}

/// Numbers go to numbers of any width, since a literal has the widest; they and truth values become
/// nothing else but strings, and nothing else becomes them.
fn fits(declared: &DataType, given: &DataType) -> bool {
    if let DataType::Dictionary(_, value) = given {
        return declared == given || fits(declared, value);
    }
    let is_flag = |data_type: &DataType| *data_type == DataType::Boolean;
    let same_kind =
        declared.is_numeric() == given.is_numeric() && is_flag(declared) == is_flag(given);
    let may = given.is_null() || declared.is_string() || same_kind;
    declared == given || (may && can_cast_types(given, declared))
}
