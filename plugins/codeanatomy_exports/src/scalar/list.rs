//! Lists.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, UInt64Builder},
    buffer::OffsetBuffer,
    compute::take,
    datatypes::DataType,
    row::{RowConverter, Rows, SortField},
};
use datafusion_common::{Result, internal_err};
use datafusion_doc::Documentation;
use datafusion_macros::user_doc;

use crate::{
    arguments::{Accepts, Argument},
    kernel::{Call, Kernel},
};

const LIST: &[Argument] = &[Argument::new("list", Accepts::List)];

/// Lists of the elements that `choose` picks: it is given the rows of a list's elements and pushes
/// those that stay.
fn chosen(
    call: &Call,
    mut choose: impl FnMut(Range<usize>, &ArrayRef, &mut Vec<u64>) -> Result<()>,
) -> Result<ArrayRef> {
    let lists = call.array(0)?;
    match lists.data_type() {
        DataType::List(_) => chosen_of(lists.as_list::<i32>(), &mut choose),
        DataType::LargeList(_) => chosen_of(lists.as_list::<i64>(), &mut choose),
        other => internal_err!("a list of type {other}"),
    }
}

type Choose<'a> = dyn FnMut(Range<usize>, &ArrayRef, &mut Vec<u64>) -> Result<()> + 'a;

fn chosen_of<O: OffsetSizeTrait>(
    lists: &GenericListArray<O>,
    choose: &mut Choose,
) -> Result<ArrayRef> {
    let offsets = lists.value_offsets();
    // The lists of a slice are among more.
    let first = offsets[0].as_usize();
    let values = lists
        .values()
        .slice(first, offsets[lists.len()].as_usize() - first);
    let mut rows = Vec::new();
    let mut kept = UInt64Builder::with_capacity(values.len());
    let mut lengths = Vec::with_capacity(lists.len());
    for row in 0..lists.len() {
        rows.clear();
        if lists.is_valid(row) {
            let elements = offsets[row].as_usize() - first..offsets[row + 1].as_usize() - first;
            choose(elements, &values, &mut rows)?;
        }
        kept.append_slice(&rows);
        lengths.push(rows.len());
    }
    let (DataType::List(item) | DataType::LargeList(item)) = lists.data_type() else {
        return internal_err!("a list of type {}", lists.data_type());
    };
    Ok(Arc::new(GenericListArray::<O>::try_new(
        Arc::clone(item),
        OffsetBuffer::from_lengths(lengths),
        take(&values, &kept.finish(), None)?,
        lists.nulls().cloned(),
    )?))
}

#[user_doc(
    doc_section(label = "List Functions"),
    description = "A list without its null elements.",
    syntax_example = "list_compact(list)",
    sql_example = "select list_compact([1, null, 2]); -- [1, 2]",
    argument(name = "list", description = "The list.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ListCompact;

impl Kernel for ListCompact {
    fn name(&self) -> &'static str {
        "list_compact"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["array_compact"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        LIST
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        chosen(call, |elements, values, rows| {
            // An array of the type Null has no validity of its own.
            let null = |&at: &usize| values.data_type().is_null() || values.is_null(at);
            rows.extend(elements.filter(|at| !null(at)).map(|at| at as u64));
            Ok(())
        })
    }
}

#[user_doc(
    doc_section(label = "List Functions"),
    description = "The different elements of a list in ascending order, without nulls.",
    syntax_example = "list_unique_sorted(list)",
    sql_example = "select list_unique_sorted([2, 1, null, 2]); -- [1, 2]",
    argument(name = "list", description = "The list.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ListUniqueSorted;

impl Kernel for ListUniqueSorted {
    fn name(&self) -> &'static str {
        "list_unique_sorted"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["array_unique_sorted"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        LIST
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let mut compared: Option<Rows> = None;
        chosen(call, |elements, values, rows| {
            if values.data_type().is_null() {
                return Ok(());
            }
            let compared = match &mut compared {
                Some(compared) => compared,
                none => {
                    let field = SortField::new(values.data_type().clone());
                    let converter = RowConverter::new(vec![field])?;
                    none.insert(converter.convert_columns(&[Arc::clone(values)])?)
                }
            };
            let valid = elements.filter(|&at| values.is_valid(at));
            rows.extend(valid.map(|at| at as u64));
            rows.sort_unstable_by(|&left, &right| {
                compared
                    .row(left as usize)
                    .cmp(&compared.row(right as usize))
            });
            rows.dedup_by(|left, right| {
                compared.row(*left as usize) == compared.row(*right as usize)
            });
            Ok(())
        })
    }
}
