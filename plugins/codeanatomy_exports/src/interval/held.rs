//! The rows of paths that are not complete.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Int64Array, ListArray,
        StringViewArray, StructArray, new_empty_array,
    },
    buffer::OffsetBuffer,
    compute::{filter, interleave},
    datatypes::{DataType, Fields, Int64Type},
};
use datafusion_common::{Result, exec_err, internal_err};

use super::{
    aligned::{Alignment, END, START, list_of},
    mode::Interval,
    rows::{PathRows, aligned},
};
use crate::aggregate::grouped::{Assigned, GroupStates};

/// Of a batch the rows whose groups are not emitted: whether they are of the right side, and the columns.
#[derive(Debug)]
struct HeldBatch {
    arrays: Vec<ArrayRef>,
    // Of each row.
    groups: Vec<usize>,
    of_right: BooleanArray,
    starts: Int64Array,
    ends: Int64Array,
    bytes: usize,
}

/// A row: its batch, and its place there.
pub(super) type Place = (usize, usize);

/// What aligning a path takes for each of its rows, beside the rows and what is made of them: places,
/// intervals, ranks, and the trees of [`best`](super::best::best).
const WORKING_BYTES: usize = 200;

/// The rows of each group, as they came. An alignment is made when a group is emitted.
#[derive(Debug)]
pub(super) struct HeldRows {
    alignment: Arc<Alignment>,
    /// Of a held row.
    fields: Fields,
    batches: Vec<HeldBatch>,
    /// Of the batches.
    bytes: usize,
}

impl HeldRows {
    pub(super) fn new(alignment: Arc<Alignment>, fields: Fields) -> Self {
        Self {
            alignment,
            fields,
            batches: Vec::new(),
            bytes: 0,
        }
    }

    /// `group` tells the group of each row; the others do not count.
    fn hold(
        &mut self,
        mut arrays: Vec<ArrayRef>,
        rows: usize,
        group: impl Fn(usize) -> Option<usize>,
    ) -> Result<()> {
        if arrays.len() != self.fields.len() {
            return internal_err!("{} arrays of rows to align", arrays.len());
        }
        let groups: Vec<_> = (0..rows).filter_map(&group).collect();
        if groups.len() < rows {
            let counts: BooleanArray = (0..rows).map(|row| Some(group(row).is_some())).collect();
            arrays = filtered(&arrays, &counts)?;
        }
        if !groups.is_empty() {
            let arrays = arrays.into_iter().map(compact).collect();
            let batch = HeldBatch::new(arrays, groups)?;
            self.bytes += batch.bytes;
            self.batches.push(batch);
        }
        Ok(())
    }

    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    /// One column of all batches.
    pub(super) fn column(&self, at: usize) -> Vec<&dyn Array> {
        let batches = self.batches.iter();
        batches.map(|batch| batch.arrays[1 + at].as_ref()).collect()
    }

    /// The places of rows of `groups`, group after group, and how many of them each group has.
    fn places(
        &self,
        groups: &Range<usize>,
        counts: impl Fn(&HeldBatch, usize) -> bool,
    ) -> (Vec<Place>, Vec<usize>) {
        let mut lengths = vec![0; groups.len()];
        for (batch, row) in self.rows_of(groups) {
            let batch = &self.batches[batch];
            if counts(batch, row) {
                lengths[batch.groups[row] - groups.start] += 1;
            }
        }
        let mut next = Vec::with_capacity(lengths.len());
        let mut total = 0;
        for length in &lengths {
            next.push(total);
            total += length;
        }
        let mut places = vec![(0, 0); total];
        for (at, row) in self.rows_of(groups) {
            let batch = &self.batches[at];
            if counts(batch, row) {
                let next = &mut next[batch.groups[row] - groups.start];
                places[*next] = (at, row);
                *next += 1;
            }
        }
        (places, lengths)
    }

    fn rows_of(&self, groups: &Range<usize>) -> impl Iterator<Item = Place> {
        let batches = self.batches.iter().enumerate();
        batches.flat_map(move |(at, batch)| {
            let rows = batch.groups.iter().enumerate();
            let rows = rows.filter(|(_, group)| groups.contains(group));
            rows.map(move |(row, _)| (at, row))
        })
    }

    /// The rows of one side; of the right one those that have a start and an end.
    fn side(&self, groups: &Range<usize>, of_right: bool) -> PathRows {
        let counts = |batch: &HeldBatch, row: usize| {
            batch.of_right.value(row) == of_right && (!of_right || batch.interval(row).is_some())
        };
        let (places, lengths) = self.places(groups, counts);
        let intervals = places
            .iter()
            .map(|&(at, row)| self.batches[at].interval(row));
        let intervals = intervals.collect();
        PathRows {
            places,
            lengths,
            intervals,
        }
    }
}

impl HeldBatch {
    fn new(arrays: Vec<ArrayRef>, groups: Vec<usize>) -> Result<Self> {
        let numbers = |at: usize| arrays.get(1 + at)?.as_primitive_opt::<Int64Type>().cloned();
        let of_right = arrays.first().and_then(|array| array.as_boolean_opt());
        let (Some(of_right), Some(starts), Some(ends)) =
            (of_right.cloned(), numbers(START), numbers(END))
        else {
            return internal_err!("rows to align without a side, a start and an end");
        };
        // Beside a row and what is made of it, which is as large again.
        let working = groups.len() * WORKING_BYTES + groups.capacity() * size_of::<usize>();
        let bytes = size_of::<Self>() + working + 2 * arrays.iter().map(bytes).sum::<usize>();
        Ok(Self {
            arrays,
            groups,
            of_right,
            starts,
            ends,
            bytes,
        })
    }

    /// What is left when the first groups are gone.
    fn without_first(mut self, groups: usize) -> Result<Option<Self>> {
        let stays: BooleanArray = self.groups.iter().map(|&g| Some(g >= groups)).collect();
        match stays.true_count() {
            0 => return Ok(None),
            count if count < self.groups.len() => {
                // Copied, so that the rest is let go of.
                let arrays = filtered(&self.arrays, &stays)?;
                self.groups.retain(|&group| group >= groups);
                self = Self::new(arrays.into_iter().map(compact).collect(), self.groups)?;
            }
            _ => {}
        }
        for group in &mut self.groups {
            *group -= groups;
        }
        Ok(Some(self))
    }

    fn interval(&self, row: usize) -> Option<Interval> {
        let known = self.starts.is_valid(row) && self.ends.is_valid(row);
        known.then(|| Interval {
            start: self.starts.value(row),
            end: self.ends.value(row),
        })
    }
}

fn filtered(arrays: &[ArrayRef], rows: &BooleanArray) -> Result<Vec<ArrayRef>> {
    let arrays = arrays.iter().map(|array| Ok(filter(array, rows)?));
    arrays.collect()
}

/// Views keep alive all text of the batches that they come from; what is held keeps its own.
fn compact(array: ArrayRef) -> ArrayRef {
    fn wasteful(buffers: &[arrow::buffer::Buffer], used: usize) -> bool {
        let held: usize = buffers.iter().map(|buffer| buffer.capacity()).sum();
        held > 2 * used
    }
    if let Some(views) = array.as_any().downcast_ref::<StringViewArray>()
        && wasteful(views.data_buffers(), views.total_buffer_bytes_used())
    {
        return Arc::new(views.gc());
    }
    if let Some(views) = array.as_any().downcast_ref::<BinaryViewArray>()
        && wasteful(views.data_buffers(), views.total_buffer_bytes_used())
    {
        return Arc::new(views.gc());
    }
    array
}

fn bytes(array: &ArrayRef) -> usize {
    let flat = |array: &ArrayRef| array.to_data().get_slice_memory_size();
    match array.data_type() {
        // A slice's size leaves out the text of views, which nested types may have.
        data_type if data_type.is_nested() => array.get_array_memory_size(),
        DataType::Utf8View | DataType::BinaryView | DataType::Dictionary(..) => {
            array.get_array_memory_size()
        }
        _ => flat(array).unwrap_or_else(|_| array.get_array_memory_size()),
    }
}

/// One list for each of `lengths`.
fn lists(fields: Fields, rows: StructArray, lengths: &[usize]) -> Result<ArrayRef> {
    if i32::try_from(rows.len()).is_err() {
        return exec_err!("interval_align: {} rows at once are too many", rows.len());
    }
    Ok(Arc::new(ListArray::try_new(
        list_of(fields),
        OffsetBuffer::from_lengths(lengths.iter().copied()),
        Arc::new(rows),
        None,
    )?))
}

impl GroupStates for HeldRows {
    fn fresh(&self) -> Result<Box<dyn GroupStates>> {
        let alignment = Arc::clone(&self.alignment);
        Ok(Box::new(Self::new(alignment, self.fields.clone())))
    }

    // A group without rows has no state.
    fn resize(&mut self, _: usize) {}

    fn update(&mut self, values: &[ArrayRef], rows: &Assigned) -> Result<()> {
        let [numbers, held @ ..] = values else {
            return internal_err!("no arguments of an alignment");
        };
        self.hold(held.to_vec(), numbers.len(), |row| rows.group(row))
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Assigned) -> Result<()> {
        let Some(lists) = states.first().and_then(|state| state.as_list_opt::<i32>()) else {
            return internal_err!("no state of an alignment");
        };
        let offsets = lists.value_offsets();
        let first = offsets.first().map_or(0, |&offset| offset as usize);
        let last = offsets.last().map_or(0, |&offset| offset as usize);
        let mut groups = vec![None; last - first];
        for row in 0..lists.len() {
            let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
            if lists.is_valid(row) {
                groups[start - first..end - first].fill(rows.group(row));
            }
        }
        let values = lists.values().slice(first, last - first);
        let Some(values) = values.as_struct_opt() else {
            return internal_err!("a state of type {}", lists.data_type());
        };
        self.hold(values.columns().to_vec(), values.len(), |row| groups[row])
    }

    fn results(&self, groups: Range<usize>) -> Result<ArrayRef> {
        let fields = self.alignment.fields();
        let left = self.side(&groups, false);
        let right = self.side(&groups, true);
        let (rows, lengths) = aligned(&self.alignment, self, &left, &right)?;
        lists(fields, rows, &lengths)
    }

    fn states(&self, groups: Range<usize>) -> Result<Vec<ArrayRef>> {
        let (places, lengths) = self.places(&groups, |_, _| true);
        let columns = (0..self.fields.len()).map(|at| {
            let arrays = self.batches.iter().map(|batch| batch.arrays[at].as_ref());
            let arrays: Vec<_> = arrays.collect();
            match arrays.is_empty() {
                true => Ok(new_empty_array(self.fields[at].data_type())),
                false => interleave(&arrays, &places),
            }
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let fields = self.fields.clone();
        let rows = StructArray::try_new_with_length(fields.clone(), columns, None, places.len())?;
        Ok(vec![lists(fields, rows, &lengths)?])
    }

    fn forget_first(&mut self, groups: usize) -> Result<()> {
        self.bytes = 0;
        for batch in std::mem::take(&mut self.batches) {
            if let Some(batch) = batch.without_first(groups)? {
                self.bytes += batch.bytes;
                self.batches.push(batch);
            }
        }
        Ok(())
    }

    /// What is held, and what it takes to emit it.
    fn size(&self) -> usize {
        self.bytes + self.batches.capacity() * size_of::<HeldBatch>()
    }
}
