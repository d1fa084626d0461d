//! The order of right rows that are equally good.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Decimal128Array},
    compute::{SortOptions, interleave},
    datatypes::DataType,
    row::{RowConverter, SortField},
};
use datafusion_common::{Result, exec_err};

use super::{
    aligned::Alignment,
    best::Right,
    held::{HeldRows, Place},
    rows::PathRows,
};

/// Of a length: those of 64-bit numbers take a bit more, and a sign.
const LENGTH: DataType = DataType::Decimal128(38, 0);

/// A column that right rows are compared by.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Compared {
    pub(super) place: usize,
    pub(super) data_type: DataType,
    pub(super) options: SortOptions,
}

impl Alignment {
    /// What decides: tie breakers, then the interval's length, then every column.
    pub(super) fn sort_fields(&self) -> Vec<SortField> {
        let field = |compared: &Compared| {
            SortField::new_with_options(compared.data_type.clone(), compared.options)
        };
        let ties = self.ties.iter().map(field);
        let length = SortField::new(LENGTH);
        ties.chain([length])
            .chain(self.rest.iter().map(field))
            .collect()
    }

    /// What decides, as far as it is known without a look at columns.
    fn leading(&self, right: &Right) -> (i128, i64) {
        let length = right.interval.length();
        match (self.ties.is_empty(), self.start_leads) {
            (false, _) => (0, 0),
            (true, false) => (length, 0),
            (true, true) => (length, right.interval.start),
        }
    }
}

/// Right rows with their places among those of the same path.
pub(super) fn ranked(
    alignment: &Alignment,
    held: &HeldRows,
    rows: &PathRows,
) -> Result<Vec<Right>> {
    if u32::try_from(rows.places.len()).is_err() {
        let count = rows.places.len();
        return exec_err!("interval_align: {count} intervals at once are too many");
    }
    let intervals = rows.intervals.iter().flatten();
    let rights = intervals.map(|&interval| Right { interval, rank: 0 });
    let mut rights: Vec<_> = rights.collect();

    let mut order: Vec<_> = (0..rights.len()).collect();
    let mut undecided = Vec::new();
    let mut start = 0;
    for &length in &rows.lengths {
        let path = &mut order[start..start + length];
        path.sort_unstable_by_key(|&at| alignment.leading(&rights[at]));
        let same =
            |&a: &usize, &b: &usize| alignment.leading(&rights[a]) == alignment.leading(&rights[b]);
        for run in path.chunk_by(same) {
            if run.len() > 1 {
                undecided.push(start..start + run.len());
            }
            start += run.len();
        }
    }

    // Most rows are decided by now, so only the rest is compared by columns.
    let tied = undecided.iter().flat_map(|run| &order[run.clone()]);
    let tied: Vec<_> = tied.copied().collect();
    if !tied.is_empty() {
        let places: Vec<_> = tied.iter().map(|&at| rows.places[at]).collect();
        let lengths = tied.iter().map(|&at| rights[at].interval.length());
        let lengths = Decimal128Array::from_iter_values(lengths).with_data_type(LENGTH);
        let columns = compared(alignment, held, &places, Arc::new(lengths))?;
        let compared = RowConverter::new(alignment.sort_fields())?.convert_columns(&columns)?;
        let mut first = 0;
        for run in undecided {
            let mut sorted: Vec<_> = (first..first + run.len()).collect();
            sorted.sort_unstable_by(|&a, &b| compared.row(a).cmp(&compared.row(b)));
            first += run.len();
            for (at, from) in run.zip(sorted) {
                order[at] = tied[from];
            }
        }
    }

    let mut order = order.into_iter();
    for &length in &rows.lengths {
        for (rank, at) in order.by_ref().take(length).enumerate() {
            rights[at].rank = rank as u32;
        }
    }
    Ok(rights)
}

fn compared(
    alignment: &Alignment,
    held: &HeldRows,
    places: &[Place],
    lengths: ArrayRef,
) -> Result<Vec<ArrayRef>> {
    let column = |compared: &Compared| interleave(&held.column(compared.place), places);
    let mut columns = Vec::with_capacity(alignment.ties.len() + 1 + alignment.rest.len());
    for tie in &alignment.ties {
        columns.push(column(tie)?);
    }
    columns.push(lengths);
    for rest in &alignment.rest {
        columns.push(column(rest)?);
    }
    Ok(columns)
}
