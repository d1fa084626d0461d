//! `dedupe_best_by_score`: which row of a partition stays.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, BooleanBufferBuilder},
    compute::SortOptions,
    datatypes::{DataType, Field, FieldRef},
    row::{RowConverter, SortField},
};
use datafusion_common::{Result, not_impl_err};
use datafusion_doc::Documentation;
use datafusion_expr::{
    PartitionEvaluator, ReversedUDWF, Signature, Volatility, WindowUDFImpl,
    function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
};
use datafusion_macros::user_doc;

use crate::arguments::{Accepts, Argument, coerce};

const ARGUMENTS: &[Argument] = &[Argument::new("score", Accepts::Any).repeated()];

#[user_doc(
    doc_section(label = "Window Functions"),
    description = "True for one row of each partition and false for the others: for that with the greatest score, of several such rows that with the least tie breakers, of several such rows the first in the window's order. Nulls come last on both sides.",
    syntax_example = "dedupe_best_by_score(score [, tie_breaker, ...])",
    sql_example = "select * from names qualify dedupe_best_by_score(score, id) over (partition by path);",
    argument(name = "score", description = "What is best when it is greatest."),
    argument(
        name = "tie_breaker",
        description = "What decides between equal scores."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DedupeBestByScore {
    signature: Signature,
}

impl DedupeBestByScore {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl WindowUDFImpl for DedupeBestByScore {
    fn name(&self) -> &str {
        "dedupe_best_by_score"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        coerce(self.name(), ARGUMENTS, arg_types)
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Boolean, false)))
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let fields = args.input_fields().iter().enumerate().map(|(at, field)| {
            let order = SortOptions {
                descending: at == 0,
                nulls_first: false,
            };
            SortField::new_with_options(field.data_type().clone(), order)
        });
        let fields: Vec<_> = fields.collect();
        if !RowConverter::supports_fields(&fields) {
            return not_impl_err!("dedupe_best_by_score does not compare {fields:?}");
        }
        let converter = RowConverter::new(fields)?;
        Ok(Box::new(BestRow { converter }))
    }

    /// The first of equal rows is another one in the reverse order.
    fn reverse_expr(&self) -> ReversedUDWF {
        ReversedUDWF::NotSupported
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

#[derive(Debug)]
struct BestRow {
    converter: RowConverter,
}

impl PartitionEvaluator for BestRow {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let rows = self.converter.convert_columns(values)?;
        // `min_by` keeps the first of equal rows.
        let best = (0..num_rows).min_by(|&left, &right| rows.row(left).cmp(&rows.row(right)));
        let mut flags = BooleanBufferBuilder::new(num_rows);
        flags.append_n(num_rows, false);
        if let Some(best) = best {
            flags.set_bit(best, true);
        }
        Ok(Arc::new(BooleanArray::new(flags.finish(), None)))
    }
}
