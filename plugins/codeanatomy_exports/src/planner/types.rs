//! `BYTE_SPAN` and `STABLE_ID`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, plan_err};
use datafusion_expr::planner::TypePlanner;
use sqlparser::ast::DataType as SqlType;

use crate::{
    semantic::{SEMANTIC_TYPE, of_prefix},
    span::span_type,
};

/// Plans `BYTE_SPAN` as the struct that `span_make` makes, and `STABLE_ID` and `STABLE_ID(type)` as
/// `Utf8` whose field says in its metadata what it identifies.
#[derive(Debug)]
pub struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let SqlType::Custom(name, arguments) = sql_type else {
            return Ok(None);
        };
        let name = name.to_string();
        if name.eq_ignore_ascii_case("byte_span") {
            return match arguments.as_slice() {
                [] => Ok(Some(Arc::new(Field::new("", span_type(), true)))),
                _ => plan_err!("BYTE_SPAN takes no arguments"),
            };
        }
        if !name.eq_ignore_ascii_case("stable_id") {
            return Ok(None);
        }
        let semantic = match arguments.as_slice() {
            [] => "StableId",
            [semantic] => of_prefix(semantic).unwrap_or(semantic),
            _ => return plan_err!("STABLE_ID takes at most one argument, what it identifies"),
        };
        let semantic = semantic.trim_matches('\'').to_owned();
        let field = Field::new("", DataType::Utf8, true);
        let field = field.with_metadata([(SEMANTIC_TYPE.to_owned(), semantic)].into());
        Ok(Some(Arc::new(field)))
    }
}
