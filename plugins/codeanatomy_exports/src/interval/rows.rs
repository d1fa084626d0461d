//! The rows of the result, of whole paths.

use std::sync::Arc;

use arrow::{
    array::{AsArray, Float64Builder, StringBuilder, StructArray, new_empty_array, new_null_array},
    compute::interleave,
    datatypes::DataType,
};
use datafusion_common::Result;

use super::{
    aligned::Alignment,
    best::best,
    held::{HeldRows, Place},
    mode::{Interval, match_kind},
    rank::ranked,
};

/// Rows of one side, path after path.
pub(super) struct PathRows {
    pub(super) places: Vec<Place>,
    /// How many rows each path has.
    pub(super) lengths: Vec<usize>,
    /// Of each row; nothing where start or end is null.
    pub(super) intervals: Vec<Option<Interval>>,
}

/// The rows of the result as columns to be.
struct Matches {
    left: Vec<Place>,
    right: Vec<Place>,
    kinds: StringBuilder,
    scores: Float64Builder,
}

/// The rows of the result, and how many each path has.
pub(super) fn aligned(
    alignment: &Alignment,
    held: &HeldRows,
    left: &PathRows,
    right: &PathRows,
) -> Result<(StructArray, Vec<usize>)> {
    if left.places.is_empty() {
        let rows = new_empty_array(&DataType::Struct(alignment.fields()));
        return Ok((rows.as_struct().clone(), left.lengths.clone()));
    }
    let rights = ranked(alignment, held, right)?;
    let mut matches = Matches {
        left: Vec::with_capacity(left.places.len()),
        right: Vec::with_capacity(left.places.len()),
        kinds: StringBuilder::with_capacity(left.places.len(), 8 * left.places.len()),
        scores: Float64Builder::with_capacity(left.places.len()),
    };
    // A null stands behind all batches.
    let nothing = (held.batches(), 0);
    let mut lengths = Vec::with_capacity(left.lengths.len());
    let (mut first, mut first_right) = (0, 0);
    for (&rows, &candidates) in left.lengths.iter().zip(&right.lengths) {
        let before = matches.left.len();
        let path = first..first + rows;
        let intervals = &left.intervals[path.clone()];
        let known: Vec<_> = intervals.iter().flatten().copied().collect();
        let candidates = &rights[first_right..first_right + candidates];
        let mut best = best(alignment.mode, &known, candidates).into_iter();
        for row in path {
            let chosen =
                left.intervals[row].and_then(|interval| Some((interval, best.next().flatten()?)));
            match chosen {
                Some((interval, at)) => {
                    let other = candidates[at].interval;
                    matches.left.push(left.places[row]);
                    matches.right.push(right.places[first_right + at]);
                    matches.kinds.append_value(match_kind(interval, other));
                    let score = alignment.mode.score(interval, other);
                    matches.scores.append_value(score);
                }
                None if alignment.keeps_left => {
                    matches.left.push(left.places[row]);
                    matches.right.push(nothing);
                    matches.kinds.append_null();
                    matches.scores.append_null();
                }
                None => {}
            }
        }
        lengths.push(matches.left.len() - before);
        first += rows;
        first_right += candidates.len();
    }
    Ok((matches.columns(alignment, held)?, lengths))
}

impl Matches {
    fn columns(mut self, alignment: &Alignment, held: &HeldRows) -> Result<StructArray> {
        let mut columns = Vec::with_capacity(alignment.left.len() + alignment.right.len() + 2);
        for (place, _) in &alignment.left {
            columns.push(interleave(&held.column(*place), &self.left)?);
        }
        for (place, field) in &alignment.right {
            let mut arrays = held.column(*place);
            let null = new_null_array(field.data_type(), 1);
            arrays.push(null.as_ref());
            columns.push(interleave(&arrays, &self.right)?);
        }
        columns.push(Arc::new(self.kinds.finish()));
        columns.push(Arc::new(self.scores.finish()));
        let fields = alignment.fields();
        Ok(StructArray::try_new(fields, columns, None)?)
    }
}
