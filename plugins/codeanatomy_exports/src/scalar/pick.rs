//! Fields picked from structs.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, StructArray, new_null_array},
    datatypes::{DataType, Field, FieldRef, Fields},
};
use datafusion_common::{Result, internal_err, plan_err};
use datafusion_doc::Documentation;
use datafusion_expr::ReturnFieldArgs;
use datafusion_macros::user_doc;

use crate::{
    arguments::{Accepts, Argument},
    kernel::{Call, Kernel},
};

#[user_doc(
    doc_section(label = "Struct Functions"),
    description = "A struct of some of a struct's fields, in the order in which they are named.",
    syntax_example = "struct_pick(struct, field [, field, ...])",
    sql_example = "select struct_pick(span_make(10, 20), 'bend', 'bstart'); -- {bend: 20, bstart: 10}",
    argument(name = "struct", description = "The struct."),
    argument(name = "field", description = "The name of a field, a literal.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StructPick;

impl Kernel for StructPick {
    fn name(&self) -> &'static str {
        "struct_pick"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["struct_select"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("struct", Accepts::Struct),
                Argument::new("field", Accepts::Text).repeated(),
            ]
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("struct_pick's type depends on its arguments' values")
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let fields = match args.arg_fields[0].data_type() {
            DataType::Struct(fields) => Some(fields),
            DataType::Null => None,
            other => return internal_err!("a struct of type {other}"),
        };
        let mut picked: Vec<FieldRef> = Vec::new();
        for value in &args.scalar_arguments[1..] {
            let Some(Some(name)) = value.and_then(|value| value.try_as_str()) else {
                return plan_err!(
                    "struct_pick: the argument 'field' is not a literal, expected a field's name"
                );
            };
            if picked.iter().any(|field| field.name() == name) {
                return plan_err!("struct_pick: the field '{name}' is named twice");
            }
            let Some(fields) = fields else {
                picked.push(Arc::new(Field::new(name, DataType::Null, true)));
                continue;
            };
            match fields.find(name) {
                Some((_, field)) => picked.push(Arc::clone(field)),
                None => {
                    let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
                    return plan_err!(
                        "struct_pick: the struct has no field '{name}', expected one of {}",
                        names.join(", ")
                    );
                }
            }
        }
        let data_type = DataType::Struct(Fields::from(picked));
        let nullable = args.arg_fields[0].is_nullable();
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let structs = call.array(0)?;
        if structs.data_type().is_null() {
            return Ok(new_null_array(call.return_type(), call.rows));
        }
        let structs = structs.as_struct();
        let DataType::Struct(fields) = call.return_type() else {
            return internal_err!("struct_pick promised {}", call.return_type());
        };
        let mut columns = Vec::with_capacity(fields.len());
        for field in fields {
            match structs.column_by_name(field.name()) {
                Some(column) => columns.push(Arc::clone(column)),
                None => return internal_err!("a struct without the field {}", field.name()),
            }
        }
        let picked = StructArray::try_new(fields.clone(), columns, structs.nulls().cloned())?;
        Ok(Arc::new(picked))
    }
}
