//! The window function that a call becomes: over the rows of both sides of one path.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Builder, Int64Array, NullBufferBuilder, StringBuilder,
        StructArray, UInt32Array, UInt32Builder,
    },
    compute::{SortOptions, take},
    datatypes::{DataType, Field, FieldRef, Fields, Int64Type},
    row::{RowConverter, SortField},
};
use datafusion_common::{Result, exec_err, internal_err, plan_err};
use datafusion_expr::{
    PartitionEvaluator, ReversedUDWF, Signature, Volatility, WindowUDFImpl,
    function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
};

use super::{
    best::{Right, best},
    mode::{Interval, Mode, match_kind},
};

pub(super) const MATCH_KIND: &str = "match_kind";
pub(super) const MATCH_SCORE: &str = "match_score";

/// A right column that decides between equally good intervals.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TieBreaker {
    pub(super) column: String,
    pub(super) descending: bool,
}

/// For each row of the left side the right row that is best: a struct of its columns, and kind and
/// score of the match. Null for rows of the right side, and where there is none.
///
/// The arguments are whether the row is of the right side, start, end, and the right columns.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AlignedRow {
    signature: Signature,
    mode: Mode,
    /// Of the right columns.
    names: Vec<String>,
    ties: Vec<TieBreaker>,
}

/// Arguments before the right columns.
const OWN: usize = 3;

impl AlignedRow {
    pub(super) fn new(mode: Mode, names: Vec<String>, ties: Vec<TieBreaker>) -> Self {
        Self {
            signature: Signature::variadic_any(Volatility::Immutable),
            mode,
            names,
            ties,
        }
    }

    fn fields(&self, inputs: &[FieldRef]) -> Result<Fields> {
        let Some(columns) = inputs.get(OWN..).filter(|c| c.len() == self.names.len()) else {
            return internal_err!("{} arguments of an alignment", inputs.len());
        };
        let columns = columns.iter().zip(&self.names);
        let columns = columns.map(|(field, name)| {
            let field = field.as_ref().clone().with_name(name);
            Arc::new(field.with_nullable(true))
        });
        let own = [
            Arc::new(Field::new(MATCH_KIND, DataType::Utf8, true)),
            Arc::new(Field::new(MATCH_SCORE, DataType::Float64, true)),
        ];
        Ok(columns.chain(own).collect())
    }
}

impl WindowUDFImpl for AlignedRow {
    fn name(&self) -> &str {
        "interval_aligned"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let data_type = DataType::Struct(self.fields(args.input_fields())?);
        Ok(Arc::new(Field::new(args.name(), data_type, true)))
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let fields = self.fields(args.input_fields())?;
        let columns = &fields[..self.names.len()];
        let mut order = Vec::with_capacity(columns.len() + self.ties.len());
        for tie in &self.ties {
            let Some(at) = self.names.iter().position(|name| *name == tie.column) else {
                return plan_err!("interval_align: there is no column '{}'", tie.column);
            };
            order.push((at, tie.descending));
        }
        let decisive = order.len();
        // What neither a tie breaker nor the length decides is decided by every column, so that no
        // order of rows matters.
        order.extend((0..columns.len()).map(|at| (at, false)));
        let compared = order.iter().map(|&(at, descending)| {
            let options = SortOptions {
                descending,
                nulls_first: false,
            };
            SortField::new_with_options(columns[at].data_type().clone(), options)
        });
        let mut compared: Vec<_> = compared.collect();
        compared.insert(decisive, SortField::new(DataType::Int64));
        if !RowConverter::supports_fields(&compared) {
            return plan_err!("interval_align: the right side has a column that is not compared");
        }
        Ok(Box::new(Aligner {
            mode: self.mode,
            fields,
            order: order.into_iter().map(|(at, _)| at).collect(),
            decisive,
            compared,
        }))
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        ReversedUDWF::Identical
    }
}

#[derive(Debug)]
struct Aligner {
    mode: Mode,
    /// Of the result.
    fields: Fields,
    /// Right columns in the order in which they decide.
    order: Vec<usize>,
    /// How many of them stand before the interval's length.
    decisive: usize,
    compared: Vec<SortField>,
}

impl PartitionEvaluator for Aligner {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let [of_right, starts, ends, columns @ ..] = values else {
            return internal_err!("{} arguments of an alignment", values.len());
        };
        if u32::try_from(num_rows).is_err() {
            return exec_err!("interval_align: {num_rows} intervals of one path are too many");
        }
        let of_right = of_right.as_boolean();
        let starts = starts.as_primitive::<Int64Type>();
        let ends = ends.as_primitive::<Int64Type>();
        let (mut left, mut left_rows) = (Vec::new(), Vec::new());
        let (mut right, mut right_rows) = (Vec::new(), Vec::new());
        for row in 0..num_rows {
            if starts.is_null(row) || ends.is_null(row) {
                continue;
            }
            let interval = Interval {
                start: starts.value(row),
                end: ends.value(row),
            };
            if of_right.value(row) {
                right_rows.push(row as u32);
                right.push(Right { interval, rank: 0 });
            } else {
                left_rows.push(row);
                left.push(interval);
            }
        }
        self.rank(columns, &right_rows, &mut right)?;

        let mut chosen: Vec<Option<(usize, Interval)>> = vec![None; num_rows];
        let found = best(self.mode, &left, &right);
        for ((row, interval), found) in left_rows.into_iter().zip(left).zip(found) {
            chosen[row] = found.map(|found| (found, interval));
        }
        self.result(columns, &right_rows, &right, &chosen)
    }
}

impl Aligner {
    /// Gives each right row its place among all.
    fn rank(&self, columns: &[ArrayRef], rows: &[u32], right: &mut [Right]) -> Result<()> {
        let rows = UInt32Array::from(rows.to_vec());
        let taken = self.order.iter().map(|&at| take(&columns[at], &rows, None));
        let mut taken: Vec<_> = taken.collect::<Result<_, _>>()?;
        let lengths = right.iter().map(|Right { interval, .. }| {
            // Lengths beyond what fits are equally long.
            interval.end.saturating_sub(interval.start)
        });
        let lengths = Int64Array::from_iter_values(lengths);
        taken.insert(self.decisive, Arc::new(lengths));
        let converter = RowConverter::new(self.compared.clone())?;
        let compared = converter.convert_columns(&taken)?;
        let mut order: Vec<_> = (0..right.len()).collect();
        order.sort_by(|&a, &b| compared.row(a).cmp(&compared.row(b)));
        for (rank, at) in order.into_iter().enumerate() {
            right[at].rank = rank as u32;
        }
        Ok(())
    }

    fn result(
        &self,
        columns: &[ArrayRef],
        right_rows: &[u32],
        right: &[Right],
        chosen: &[Option<(usize, Interval)>],
    ) -> Result<ArrayRef> {
        let rows = chosen.len();
        let mut taken = UInt32Builder::with_capacity(rows);
        let mut kinds = StringBuilder::with_capacity(rows, 8 * rows);
        let mut scores = Float64Builder::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        for chosen in chosen {
            let (at, left) = match chosen {
                Some((at, left)) => (Some(*at), Some(*left)),
                None => (None, None),
            };
            taken.append_option(at.map(|at| right_rows[at]));
            let both = left.zip(at.map(|at| right[at].interval));
            kinds.append_option(both.map(|(left, right)| match_kind(left, right)));
            scores.append_option(both.map(|(left, right)| self.mode.score(left, right)));
            nulls.append(at.is_some());
        }
        let taken = taken.finish();
        let columns = columns.iter().map(|column| take(column, &taken, None));
        let mut columns: Vec<_> = columns.collect::<Result<_, _>>()?;
        columns.push(Arc::new(kinds.finish()));
        columns.push(Arc::new(scores.finish()));
        let fields = self.fields.clone();
        Ok(Arc::new(StructArray::try_new(
            fields,
            columns,
            nulls.finish(),
        )?))
    }
}
