//! Metadata of fields.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, MapBuilder, StringBuilder, new_null_array},
    compute::take,
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_doc::Documentation;
use datafusion_expr::ReturnFieldArgs;
use datafusion_macros::user_doc;

use crate::{
    arguments::{Accepts, Argument},
    kernel::{Call, Kernel},
    semantic::{SEMANTIC_TYPE, of_prefix},
};

fn metadata_map() -> DataType {
    let entries = Field::new(
        "entries",
        DataType::Struct(
            vec![
                Field::new("keys", DataType::Utf8, false),
                Field::new("values", DataType::Utf8, true),
            ]
            .into(),
        ),
        false,
    );
    DataType::Map(Arc::new(entries), false)
}

#[user_doc(
    doc_section(label = "Metadata Functions"),
    description = "The metadata of an expression's field as a map ordered by key, or what it has under a key, null if that is nothing. The expression's values do not matter, null or not.",
    syntax_example = "arrow_metadata(expression [, key])",
    sql_example = "select arrow_metadata(stable_id('node', 'x'), 'semantic_type'); -- NodeId",
    argument(name = "expression", description = "Any expression."),
    argument(name = "key", description = "A key, a literal.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ArrowMetadata;

impl Kernel for ArrowMetadata {
    fn name(&self) -> &'static str {
        "arrow_metadata"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("expression", Accepts::Any),
                Argument::new("key", Accepts::Text).optional(),
            ]
        }
    }

    fn strict(&self) -> bool {
        false
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match types.len() {
            1 => metadata_map(),
            _ => DataType::Utf8,
        })
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let [expression, ..] = args.arg_fields else {
            return plan_err!("arrow_metadata takes the arguments (expression [, key]), found 0");
        };
        let field = match args.scalar_arguments.get(1) {
            None => Field::new(self.name(), metadata_map(), false),
            Some(key) => match key.and_then(|key| key.try_as_str()) {
                Some(Some(key)) => {
                    let known = expression.metadata().contains_key(key);
                    Field::new(self.name(), DataType::Utf8, !known)
                }
                Some(None) => Field::new(self.name(), DataType::Utf8, true),
                None => {
                    return plan_err!(
                        "arrow_metadata: the argument 'key' is not a literal, expected a string"
                    );
                }
            },
        };
        Ok(Arc::new(field))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let metadata = call.args.arg_fields[0].metadata();
        let Some(key) = call.argument(1) else {
            let mut entries: Vec<_> = metadata.iter().collect();
            entries.sort();
            let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
            for (key, value) in entries {
                map.keys().append_value(key);
                map.values().append_value(value);
            }
            map.append(true)?;
            let first = arrow::array::UInt32Array::from_value(0, call.rows);
            return Ok(take(&map.finish(), &first, None)?);
        };
        let key = match key {
            datafusion_expr::ColumnarValue::Scalar(key) => key.try_as_str().flatten(),
            datafusion_expr::ColumnarValue::Array(_) => None,
        };
        match key.and_then(|key| metadata.get(key)) {
            Some(value) => ScalarValue::from(value.as_str()).to_array_of_size(call.rows),
            None => Ok(new_null_array(&DataType::Utf8, call.rows)),
        }
    }
}

#[user_doc(
    doc_section(label = "Metadata Functions"),
    description = "A value whose field says what it identifies: metadata semantic_type. node, edge and span stand for NodeId, EdgeId and SpanId.",
    syntax_example = "semantic_tag(type, value)",
    sql_example = "select arrow_metadata(semantic_tag('FileId', 1), 'semantic_type'); -- FileId",
    argument(name = "type", description = "The semantic type, a literal."),
    argument(name = "value", description = "Any expression.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SemanticTag;

impl Kernel for SemanticTag {
    fn name(&self) -> &'static str {
        "semantic_tag"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("type", Accepts::Text),
                Argument::new("value", Accepts::Any),
            ]
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[1].clone())
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let semantic = args.scalar_arguments[0]
            .and_then(|value| value.try_as_str())
            .flatten();
        let Some(semantic) = semantic.map(str::trim).filter(|text| !text.is_empty()) else {
            return plan_err!(
                "semantic_tag: the argument 'type' is not a literal that names a type, expected \
                 one such as 'NodeId'"
            );
        };
        let value = &args.arg_fields[1];
        let mut metadata = value.metadata().clone();
        let semantic = of_prefix(semantic).unwrap_or(semantic);
        metadata.insert(SEMANTIC_TYPE.to_owned(), semantic.to_owned());
        let field = Field::new(self.name(), value.data_type().clone(), value.is_nullable());
        Ok(Arc::new(field.with_metadata(metadata)))
    }

    fn passes_through(&self) -> Option<usize> {
        Some(1)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        call.array(1)
    }
}

#[user_doc(
    doc_section(label = "Metadata Functions"),
    description = "A score of the code property graph, as it is. It marks in a query what a score is.",
    syntax_example = "cpg_score(value)",
    sql_example = "select cpg_score(0.5); -- 0.5",
    argument(name = "value", description = "The score, of any type.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CpgScore;

impl Kernel for CpgScore {
    fn name(&self) -> &'static str {
        "cpg_score"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const { &[Argument::new("value", Accepts::Any)] }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(
            args.arg_fields[0].as_ref().clone().with_name(self.name()),
        ))
    }

    fn passes_through(&self) -> Option<usize> {
        Some(0)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        call.array(0)
    }
}
