//! One implementation of an aggregate's state for many groups and for a single one.

use std::{fmt::Debug, ops::Range};

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::{Accumulator, EmitTo, GroupsAccumulator};

/// The states of groups, numbered from 0.
pub(crate) trait GroupStates: Debug + Send + Sync + 'static {
    /// The same states without any group.
    fn fresh(&self) -> Result<Box<dyn GroupStates>>;

    /// New groups have seen no rows.
    fn resize(&mut self, groups: usize);

    fn update(&mut self, values: &[ArrayRef], rows: &Assigned) -> Result<()>;

    /// Whether [`GroupStates::retract`] does what it is there for.
    fn retracts(&self) -> bool {
        false
    }

    /// Takes rows out again that [`GroupStates::update`] took in.
    fn retract(&mut self, _: &[ArrayRef], _: &Assigned) -> Result<()> {
        internal_err!("rows are not taken out of {self:?}")
    }

    /// Takes in what [`GroupStates::states`] gave.
    fn merge(&mut self, states: &[ArrayRef], rows: &Assigned) -> Result<()>;

    /// One value per group; the states stay.
    fn results(&self, groups: Range<usize>) -> Result<ArrayRef>;

    fn states(&self, groups: Range<usize>) -> Result<Vec<ArrayRef>>;

    /// Forgets the first groups; those behind move up.
    fn forget_first(&mut self, groups: usize) -> Result<()>;

    /// In bytes.
    fn size(&self) -> usize;
}

/// The groups of a batch's rows.
pub(crate) struct Assigned<'a> {
    /// Without any, all rows are of the first group.
    groups: Option<&'a [usize]>,
    filter: Option<&'a BooleanArray>,
}

impl Assigned<'_> {
    /// The group of a row; nothing where the row does not count.
    #[inline]
    pub(crate) fn group(&self, row: usize) -> Option<usize> {
        if let Some(filter) = self.filter
            && (filter.is_null(row) || !filter.value(row))
        {
            return None;
        }
        Some(self.groups.map_or(0, |groups| groups[row]))
    }
}

/// States behind DataFusion's traits.
#[derive(Debug)]
pub(crate) struct Grouped {
    states: Box<dyn GroupStates>,
    groups: usize,
}

impl Grouped {
    /// Of many groups.
    pub(crate) fn many(states: Box<dyn GroupStates>) -> Self {
        Self { states, groups: 0 }
    }

    /// Of one group.
    pub(crate) fn one(mut states: Box<dyn GroupStates>) -> Self {
        states.resize(1);
        Self { states, groups: 1 }
    }

    fn resize(&mut self, groups: usize) {
        if groups > self.groups {
            self.states.resize(groups);
            self.groups = groups;
        }
    }

    fn emitted(&self, emit_to: EmitTo) -> usize {
        match emit_to {
            EmitTo::All => self.groups,
            EmitTo::First(groups) => groups.min(self.groups),
        }
    }

    fn forget(&mut self, groups: usize) -> Result<()> {
        self.states.forget_first(groups)?;
        self.groups -= groups;
        Ok(())
    }
}

impl GroupsAccumulator for Grouped {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let rows = Assigned {
            groups: Some(group_indices),
            filter: opt_filter,
        };
        self.states.update(values, &rows)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.emitted(emit_to);
        let results = self.states.results(0..groups)?;
        self.forget(groups)?;
        Ok(results)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.emitted(emit_to);
        let states = self.states.states(0..groups)?;
        self.forget(groups)?;
        Ok(states)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.resize(total_num_groups);
        let rows = Assigned {
            groups: Some(group_indices),
            filter: None,
        };
        self.states.merge(values, &rows)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let Some(rows) = values.first().map(|array| array.len()) else {
            return internal_err!("an aggregate without arguments");
        };
        let mut states = self.states.fresh()?;
        states.resize(rows);
        let groups: Vec<_> = (0..rows).collect();
        let assigned = Assigned {
            groups: Some(&groups),
            filter: opt_filter,
        };
        states.update(values, &assigned)?;
        states.states(0..rows)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states.size()
    }
}

const ALL: Assigned<'static> = Assigned {
    groups: None,
    filter: None,
};

impl Accumulator for Grouped {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.states.update(values, &ALL)
    }

    fn supports_retract_batch(&self) -> bool {
        self.states.retracts()
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.states.retract(values, &ALL)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.states.merge(states, &ALL)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.states.results(0..1)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let states = self.states.states(0..1)?;
        let values = states.iter();
        values
            .map(|state| ScalarValue::try_from_array(state, 0))
            .collect()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states.size()
    }
}
