//! Aggregates over frames whose start moves on: rows come, and the oldest go.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, ListArray},
    buffer::OffsetBuffer,
    datatypes::{DataType, Field},
    row::{RowConverter, SortField},
};
use datafusion_common::{Result, ScalarValue, internal_err, not_impl_err};
use datafusion_expr::Accumulator;

use crate::column::Text;

/// What becomes of the rows of a frame.
#[derive(Debug)]
pub(super) enum Yields {
    /// The last column of the first row.
    First,
    /// A list of the different values.
    Values,
    /// How many different values there are.
    Count,
    /// The strings joined; nothing joins with a null separator.
    Joined {
        separator: Option<String>,
        distinct: bool,
    },
}

/// The rows of a frame as bytes whose order is theirs, and how often each is there.
#[derive(Debug)]
pub(super) struct InFrame {
    converter: RowConverter,
    /// The arguments that make a row; without one of them a row does not count.
    arguments: &'static [usize],
    /// Of the last of these arguments.
    data_type: DataType,
    yields: Yields,
    rows: BTreeMap<Box<[u8]>, usize>,
    bytes: usize,
}

impl InFrame {
    /// `fields` are those of the `arguments`, and `data_type` is the type of the last one.
    pub(super) fn new(
        arguments: &'static [usize],
        fields: Vec<SortField>,
        data_type: DataType,
        yields: Yields,
    ) -> Result<Self> {
        if !RowConverter::supports_fields(&fields) {
            return not_impl_err!("rows of {fields:?} are not compared");
        }
        Ok(Self {
            converter: RowConverter::new(fields)?,
            arguments,
            data_type,
            yields,
            rows: BTreeMap::new(),
            bytes: 0,
        })
    }

    /// Calls `change` with each row that counts.
    fn each(
        &mut self,
        values: &[ArrayRef],
        mut change: impl FnMut(&mut Self, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let columns = self.arguments.iter().map(|&at| Arc::clone(&values[at]));
        let columns: Vec<_> = columns.collect();
        let rows = self.converter.convert_columns(&columns)?;
        let nulls: Vec<_> = columns
            .iter()
            .map(|column| column.logical_nulls())
            .collect();
        for (at, row) in rows.iter().enumerate() {
            let mut nulls = nulls.iter().flatten();
            if nulls.all(|nulls| nulls.is_valid(at)) {
                change(self, row.as_ref())?;
            }
        }
        Ok(())
    }

    /// The last column of the first `rows` different rows.
    fn decoded(&self, rows: usize) -> Result<ArrayRef> {
        let parser = self.converter.parser();
        let rows = self.rows.keys().take(rows).map(|row| parser.parse(row));
        match self.converter.convert_rows(rows)?.pop() {
            Some(column) => Ok(column),
            None => internal_err!("rows without columns"),
        }
    }
}

/// What a row costs beside its bytes.
const ROW: usize = size_of::<(Box<[u8]>, usize)>();

impl Accumulator for InFrame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |frame, row| {
            match frame.rows.get_mut(row) {
                Some(count) => *count += 1,
                None => {
                    frame.rows.insert(row.into(), 1);
                    frame.bytes += row.len() + ROW;
                }
            }
            Ok(())
        })
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |frame, row| {
            match frame.rows.get_mut(row) {
                Some(1) => {
                    frame.rows.remove(row);
                    frame.bytes -= row.len() + ROW;
                }
                Some(count) => *count -= 1,
                None => return internal_err!("a row leaves a frame that it is not in"),
            }
            Ok(())
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match &self.yields {
            Yields::First => match self.rows.is_empty() {
                true => ScalarValue::try_new_null(&self.data_type),
                false => ScalarValue::try_from_array(&self.decoded(1)?, 0),
            },
            Yields::Values => {
                let values = self.decoded(usize::MAX)?;
                let item = Field::new_list_field(self.data_type.clone(), true);
                let lengths = OffsetBuffer::from_lengths([values.len()]);
                let list = ListArray::try_new(Arc::new(item), lengths, values, None)?;
                Ok(ScalarValue::List(Arc::new(list)))
            }
            Yields::Count => Ok(ScalarValue::Int64(Some(self.rows.len() as i64))),
            Yields::Joined {
                separator,
                distinct,
            } => {
                let Some(separator) = separator.as_ref().filter(|_| !self.rows.is_empty()) else {
                    return ScalarValue::try_new_null(&self.data_type);
                };
                let strings = self.decoded(usize::MAX)?;
                let strings = Text::of_array(&strings)?;
                let mut joined = String::new();
                for (at, &count) in self.rows.values().enumerate() {
                    let string = strings.get(at).unwrap_or_default();
                    let times = if *distinct { 1 } else { count };
                    for again in 0..times {
                        if at + again > 0 {
                            joined.push_str(separator);
                        }
                        joined.push_str(string);
                    }
                }
                ScalarValue::from(joined).cast_to(&self.data_type)
            }
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.converter.size() + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a frame is not handed on")
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a frame takes in rows alone")
    }
}
