//! An author's partition evaluator behind the contract.

use std::sync::Arc;

use abi_stable::std_types::{RSlice, RSliceMut, RVec};
use arrow::{array::ArrayRef, datatypes::DataType};
use datafusion_common::ScalarValue;
use datafusion_expr::{PartitionEvaluator, window_state::WindowAggState};

use super::arrays::{export, import_all};
use crate::{
    abi::{
        self, ArrowArray, ArrowSchema, CallError, EvaluatorTraits, Range, RowValue, Rows,
        WindowState,
    },
    df55::{
        error::to_call_error,
        row_value::{RowResults, row_value_of},
    },
};

/// The most rows that are computed ahead: so few that their results stay in the processor's cache.
const AHEAD: usize = 1024;

/// The types that a bound window function fixed for its evaluators.
pub(super) struct EvaluatorTypes {
    pub(super) item: String,
    pub(super) columns: Vec<DataType>,
    pub(super) result: DataType,
}

pub(super) struct PartitionEvaluatorExport {
    types: Arc<EvaluatorTypes>,
    evaluator: Box<dyn PartitionEvaluator>,
    /// The types of [`Self::loaded`]: those that were bound, then those of the ordering columns.
    loaded_types: Vec<DataType>,
    loaded: Vec<ArrayRef>,
}

impl PartitionEvaluatorExport {
    pub(super) fn new(types: Arc<EvaluatorTypes>, evaluator: Box<dyn PartitionEvaluator>) -> Self {
        Self {
            loaded_types: types.columns.clone(),
            types,
            evaluator,
            loaded: Vec::new(),
        }
    }

    fn value_at(&mut self, range: &std::ops::Range<usize>) -> Result<ScalarValue, CallError> {
        self.evaluator
            .evaluate(&self.loaded, range)
            .map_err(|error| to_call_error(&error))
    }

    fn range_of(&self, row: usize, rows: usize) -> Result<std::ops::Range<usize>, CallError> {
        self.evaluator
            .get_range(row, rows)
            .map_err(|error| to_call_error(&error))
    }
}

fn crossing(range: &std::ops::Range<usize>) -> Range {
    Range {
        start: range.start,
        end: range.end,
    }
}

impl abi::PartitionEvaluator for PartitionEvaluatorExport {
    fn item(&self) -> &str {
        &self.types.item
    }

    fn traits(&self) -> Result<EvaluatorTraits, CallError> {
        Ok(EvaluatorTraits {
            is_causal: self.evaluator.is_causal(),
            supports_bounded_execution: self.evaluator.supports_bounded_execution(),
            uses_window_frame: self.evaluator.uses_window_frame(),
            include_rank: self.evaluator.include_rank(),
        })
    }

    fn get_range(&self, row: usize, rows: usize) -> Result<Range, CallError> {
        Ok(crossing(&self.range_of(row, rows)?))
    }

    fn evaluate_all_with_rank(
        &self,
        rows: usize,
        ranks: RSlice<'_, Range>,
    ) -> Result<ArrowArray, CallError> {
        let ranks: Vec<_> = ranks.iter().map(|rank| rank.start..rank.end).collect();
        let results = self
            .evaluator
            .evaluate_all_with_rank(rows, &ranks)
            .map_err(|error| to_call_error(&error))?;
        export(&results, &self.types.result)
    }

    fn memoize(&mut self, state: &mut WindowState) -> Result<(), CallError> {
        let results = abi::import_array(state.results.take(), &self.types.result)?;
        let mut author = WindowAggState {
            window_frame_range: state.frame.start..state.frame.end,
            window_frame_ctx: None,
            last_calculated_index: state.last_calculated_index,
            offset_pruned_rows: state.offset_pruned_rows,
            out_col: Arc::clone(&results),
            n_row_result_missing: state.n_row_result_missing,
            is_end: state.is_end,
        };
        self.evaluator
            .memoize(&mut author)
            .map_err(|error| to_call_error(&error))?;
        if !Arc::ptr_eq(&author.out_col, &results) {
            state.results = export(&author.out_col, &self.types.result)?;
        }
        state.frame = crossing(&author.window_frame_range);
        state.last_calculated_index = author.last_calculated_index;
        state.offset_pruned_rows = author.offset_pruned_rows;
        state.n_row_result_missing = author.n_row_result_missing;
        state.is_end = author.is_end;
        Ok(())
    }

    fn evaluate_all(
        &mut self,
        values: RSliceMut<'_, ArrowArray>,
        rows: usize,
    ) -> Result<ArrowArray, CallError> {
        let values = import_all(values, &self.types.columns)?;
        let results = self
            .evaluator
            .evaluate_all(&values, rows)
            .map_err(|error| to_call_error(&error))?;
        export(&results, &self.types.result)
    }

    fn load(
        &mut self,
        values: RSliceMut<'_, ArrowArray>,
        ordering: ArrowSchema,
    ) -> Result<(), CallError> {
        if !ordering.is_released() {
            self.loaded_types.truncate(self.types.columns.len());
            let fields = abi::import_fields(&ordering)?;
            self.loaded_types
                .extend(fields.iter().map(|field| field.data_type().clone()));
        }
        self.loaded = import_all(values, &self.loaded_types)?;
        Ok(())
    }

    fn evaluate(&mut self, range: Range) -> Result<RowValue, CallError> {
        let value = self.value_at(&(range.start..range.end))?;
        row_value_of(&value, &self.types.result)
    }

    fn evaluate_rows(&mut self, row: usize, rows: usize) -> Result<Rows, CallError> {
        let result_type = self.types.result.clone();
        let causal = self.evaluator.is_causal();
        let mut range = self.range_of(row, rows)?;
        // The caller asks for a row that it would not ask for in an unfinished partition.
        let ended = range.end == rows && !causal;
        let stop = rows.min(row + AHEAD);
        let mut ranges = RVec::with_capacity(stop.saturating_sub(row));
        let mut results = RowResults::new(&result_type, stop.saturating_sub(row));
        for next in row + 1.. {
            results.push(self.value_at(&range)?);
            ranges.push(crossing(&range));
            if next >= stop {
                break;
            }
            range = self.range_of(next, rows)?;
            if range.end == rows && !causal && !ended {
                break;
            }
        }
        Ok(Rows {
            ranges,
            results: export(&results.finish()?, &self.types.result)?,
        })
    }
}
