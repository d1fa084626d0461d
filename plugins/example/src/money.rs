//! A type planner: `MONEY` is a decimal that says what it is.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::Result;
use datafusion_expr::planner::TypePlanner;
use sqlparser::ast::DataType as SqlType;

/// Plans `MONEY` as `DECIMAL(19, 4)`, with `semantics` = `money` in the field's metadata.
#[derive(Debug)]
pub struct Money;

impl TypePlanner for Money {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let SqlType::Custom(name, arguments) = sql_type else {
            return Ok(None);
        };
        if !arguments.is_empty() || !name.to_string().eq_ignore_ascii_case("money") {
            return Ok(None);
        }
        let metadata = HashMap::from([("semantics".to_owned(), "money".to_owned())]);
        let field = Field::new("", DataType::Decimal128(19, 4), true).with_metadata(metadata);
        Ok(Some(Arc::new(field)))
    }
}
