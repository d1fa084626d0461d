//! A plugin's partition evaluator as a [`PartitionEvaluator`].

use std::{cell::Cell, ops::Range, sync::Arc};

use abi_stable::std_types::RVec;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::{DataType, Field, Fields},
    },
    common::{Result, ScalarValue},
    logical_expr::{PartitionEvaluator, window_state::WindowAggState},
};
use datafusion_plugin_api::{
    abi::{
        self, ArrowSchema, CallError, EvaluatorTraits, PartitionEvaluatorObject, Rows, WindowState,
    },
    df55::row_value::{RowReader, scalar_of},
};

use super::{exchange, window::BoundWindow};

#[derive(Debug)]
pub(crate) struct PluginPartitionEvaluator {
    bound: Arc<BoundWindow>,
    object: PartitionEvaluatorObject,
    traits: EvaluatorTraits,
    /// What the plugin has loaded; held, so that equal addresses are equal columns.
    loaded: Vec<ArrayRef>,
    /// The types of the loaded columns past those that were bound.
    ordering_types: Vec<DataType>,
    /// The row, of so many, whose range DataFusion has asked for last.
    asked: Cell<Option<(usize, usize)>>,
    ahead: Option<Ahead>,
}

/// Results that the plugin has computed and DataFusion has not yet asked for.
#[derive(Debug)]
struct Ahead {
    /// Rows of the partition that were known then.
    rows: usize,
    /// The row of the first range and result.
    first: usize,
    /// How many were taken.
    taken: usize,
    ranges: RVec<abi::Range>,
    results: RowReader,
}

impl Ahead {
    #[inline]
    fn next_range(&self, row: usize, rows: usize) -> Option<Range<usize>> {
        if self.rows != rows || self.first + self.taken != row {
            return None;
        }
        let range = self.ranges.get(self.taken)?;
        Some(range.start..range.end)
    }
}

/// Whether DataFusion can take these rows of so many.
fn is_among(range: &abi::Range, rows: usize) -> bool {
    range.start <= range.end && range.end <= rows
}

#[cold]
fn outside(range: &abi::Range, rows: usize) -> String {
    format!(
        "returned the range {}..{} of {rows} rows",
        range.start, range.end
    )
}

impl PluginPartitionEvaluator {
    pub(crate) fn new(bound: Arc<BoundWindow>) -> Result<Self> {
        let object = bound.evaluator()?;
        let traits = bound.origin().call(|| object.traits())?;
        Ok(Self {
            bound,
            object,
            traits,
            loaded: Vec::new(),
            ordering_types: Vec::new(),
            asked: Cell::new(None),
            ahead: None,
        })
    }

    /// Hands the columns over, unless they are those of the last call.
    fn load(&mut self, values: &[ArrayRef]) -> Result<()> {
        let same = |(a, b): (&ArrayRef, &ArrayRef)| Arc::ptr_eq(a, b);
        if self.loaded.len() == values.len() && self.loaded.iter().zip(values).all(same) {
            return Ok(());
        }
        let origin = self.bound.origin();
        if self.ahead.is_some() {
            return Err(origin.unfit(
                "the columns changed before every row that was computed was asked for".to_owned(),
            ));
        }
        let rows = values.first().map_or(0, |array| array.len());
        let bound_types = self.bound.column_types();
        let ordering = values.get(bound_types.len()..).unwrap_or_default();
        let known = ordering.len() == self.ordering_types.len()
            && ordering
                .iter()
                .zip(&self.ordering_types)
                .all(|(array, data_type)| array.data_type() == data_type);
        let mut schema = ArrowSchema::empty();
        if !known {
            self.ordering_types = ordering.iter().map(|a| a.data_type().clone()).collect();
            let fields: Fields = self
                .ordering_types
                .iter()
                .map(|data_type| Field::new("", data_type.clone(), true))
                .collect();
            schema = abi::export_fields(&fields).map_err(|error| origin.error(error))?;
        }
        let bound = &values[..values.len().min(bound_types.len())];
        let object = &mut self.object;
        origin.on_batch(rows, || {
            let mut arrays = exchange::export_all(origin, bound, bound_types)?;
            arrays.extend(ordering.iter().map(|array| abi::export_array(array)));
            let loaded = object.load(arrays.as_mut_slice().into(), schema);
            loaded.map_err(|error| origin.error(error))
        })?;
        self.loaded = values.to_vec();
        Ok(())
    }

    /// Lets the plugin compute `row` and those after it that will be asked for.
    fn compute_ahead(&mut self, row: usize, rows: usize) -> Result<Ahead> {
        let origin = self.bound.origin();
        let begun = origin.begin();
        let computed = origin.call(|| self.object.evaluate_rows(row, rows));
        origin.end(
            begun,
            1,
            computed.as_ref().map_or(0, |rows| rows.ranges.len()),
        );
        let Rows { ranges, results } = computed?;
        if ranges.is_empty() || ranges.len() > rows.saturating_sub(row).max(1) {
            return Err(origin.breach(format!(
                "computed {} rows from row {row} of {rows}",
                ranges.len()
            )));
        }
        if let Some(range) = ranges.iter().find(|range| !is_among(range, rows)) {
            return Err(origin.breach(outside(range, rows)));
        }
        let results = exchange::import_result(origin, results, self.bound.result(), ranges.len())?;
        Ok(Ahead {
            rows,
            first: row,
            taken: 0,
            ranges,
            results: RowReader::new(results),
        })
    }
}

#[warn(clippy::missing_trait_methods)] // A method left out is a property of the function lost.
impl PartitionEvaluator for PluginPartitionEvaluator {
    fn memoize(&mut self, state: &mut WindowAggState) -> Result<()> {
        let origin = self.bound.origin();
        let result_type = self.bound.result_type();
        let mut crossing = WindowState {
            frame: abi::Range {
                start: state.window_frame_range.start,
                end: state.window_frame_range.end,
            },
            last_calculated_index: state.last_calculated_index,
            offset_pruned_rows: state.offset_pruned_rows,
            n_row_result_missing: state.n_row_result_missing,
            is_end: state.is_end,
            results: exchange::export(origin, &state.out_col, result_type)?,
        };
        let object = &mut self.object;
        origin.call(|| object.memoize(&mut crossing))?;
        if !crossing.results.is_released() {
            let validation = origin.plugin().validation();
            state.out_col = abi::import_validated(crossing.results, result_type, validation)
                .map_err(|error| origin.error(error))?;
        }
        if crossing.frame.start > crossing.frame.end {
            return Err(origin.breach(outside(&crossing.frame, crossing.frame.start)));
        }
        state.window_frame_range = crossing.frame.start..crossing.frame.end;
        state.last_calculated_index = crossing.last_calculated_index;
        state.offset_pruned_rows = crossing.offset_pruned_rows;
        state.n_row_result_missing = crossing.n_row_result_missing;
        state.is_end = crossing.is_end;
        Ok(())
    }

    fn get_range(&self, idx: usize, n_rows: usize) -> Result<Range<usize>> {
        self.asked.set(Some((idx, n_rows)));
        let ahead = self.ahead.as_ref();
        if let Some(range) = ahead.and_then(|ahead| ahead.next_range(idx, n_rows)) {
            return Ok(range);
        }
        let object = &self.object;
        let origin = self.bound.origin();
        let range = origin.call(|| object.get_range(idx, n_rows))?;
        match is_among(&range, n_rows) {
            true => Ok(range.start..range.end),
            false => Err(origin.breach(outside(&range, n_rows))),
        }
    }

    fn is_causal(&self) -> bool {
        self.traits.is_causal
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let origin = self.bound.origin();
        origin.on_batch(num_rows, || {
            let mut arrays = exchange::export_all(origin, values, self.bound.column_types())?;
            let results = self
                .object
                .evaluate_all(arrays.as_mut_slice().into(), num_rows)
                .map_err(|error| origin.error(error))?;
            exchange::import_result(origin, results, self.bound.result(), num_rows)
        })
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        self.load(values)?;
        let asked = self.asked.take().filter(|_| !self.traits.uses_window_frame);
        let Some((row, rows)) = asked else {
            let range = abi::Range {
                start: range.start,
                end: range.end,
            };
            let result = self.bound.result();
            let origin = self.bound.origin();
            return origin.call(|| {
                let value = self.object.evaluate(range)?;
                let validation = origin.plugin().validation();
                let value = scalar_of(value, result.data_type(), validation)?;
                match value.is_null() && !result.is_nullable() {
                    true => Err(CallError::contract("returned a null, but promised none")),
                    false => Ok(value),
                }
            });
        };
        if self.ahead.is_none() {
            self.ahead = Some(self.compute_ahead(row, rows)?);
        }
        let ahead = self
            .ahead
            .as_mut()
            .filter(|ahead| ahead.next_range(row, rows).as_ref() == Some(range));
        let Some(ahead) = ahead else {
            self.ahead = None;
            return Err(self
                .bound
                .origin()
                .unfit(format!("row {row} of {rows} was asked for out of turn")));
        };
        let value = ahead.results.get(ahead.taken)?;
        ahead.taken += 1;
        if ahead.taken == ahead.ranges.len() {
            self.ahead = None;
        }
        Ok(value)
    }

    fn evaluate_all_with_rank(
        &self,
        num_rows: usize,
        ranks_in_partition: &[Range<usize>],
    ) -> Result<ArrayRef> {
        let origin = self.bound.origin();
        let ranks: Vec<abi::Range> = ranks_in_partition
            .iter()
            .map(|rank| abi::Range {
                start: rank.start,
                end: rank.end,
            })
            .collect();
        origin.on_batch(num_rows, || {
            let results = self
                .object
                .evaluate_all_with_rank(num_rows, ranks.as_slice().into())
                .map_err(|error| origin.error(error))?;
            exchange::import_result(origin, results, self.bound.result(), num_rows)
        })
    }

    fn supports_bounded_execution(&self) -> bool {
        self.traits.supports_bounded_execution
    }

    fn uses_window_frame(&self) -> bool {
        self.traits.uses_window_frame
    }

    fn include_rank(&self) -> bool {
        self.traits.include_rank
    }
}
