//! Offsets that children have with their parents.

use arrow::{
    array::{ArrayData, ArrayDataBuilder},
    buffer::{Buffer, NullBuffer},
    datatypes::{DataType, UnionMode},
};

/// The same rows without offsets of structs, fixed-size lists and sparse unions: their children begin there instead.
///
/// Arrow panics where it slices a struct that has an offset, and holds its null mask against those of children that
/// begin elsewhere.
///
/// Of data whose structure was checked: children have the rows that their parents need.
pub(in crate::abi) fn without_shared_offsets(data: ArrayData) -> ArrayData {
    match has_shared_offset(&data) {
        true => moved(data),
        false => data,
    }
}

fn has_shared_offset(data: &ArrayData) -> bool {
    let own = data.offset() > 0 && rows_per_row(data.data_type()).is_some();
    own || data.child_data().iter().any(has_shared_offset)
}

/// How many rows a row has in each child, where it has them by its number.
fn rows_per_row(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Struct(_) | DataType::Union(_, UnionMode::Sparse) => Some(1),
        DataType::FixedSizeList(_, size) => usize::try_from(*size).ok(),
        _ => None,
    }
}

fn moved(data: ArrayData) -> ArrayData {
    let rows_per_row = rows_per_row(data.data_type());
    let (data_type, len, nulls, offset, buffers, children) = data.into_parts();
    let Some(rows) = rows_per_row else {
        let children = children.into_iter().map(moved).collect();
        return build(data_type, len, nulls, offset, buffers, children);
    };
    // Sparse unions alone have a buffer, of a byte for each row.
    let buffers = buffers.iter().map(|ids| ids.slice_with_length(offset, len));
    let children = children.into_iter().map(|child| {
        let child = slice(child, offset * rows, len * rows);
        moved(child)
    });
    let (buffers, children) = (buffers.collect(), children.collect());
    build(data_type, len, nulls, 0, buffers, children)
}

/// As [`ArrayData::slice`], which of a struct slices the children too and keeps the offset none the less.
fn slice(data: ArrayData, from: usize, rows: usize) -> ArrayData {
    let (data_type, _, nulls, offset, buffers, children) = data.into_parts();
    let nulls = nulls.map(|nulls| nulls.slice(from, rows));
    build(data_type, rows, nulls, offset + from, buffers, children)
}

fn build(
    data_type: DataType,
    len: usize,
    nulls: Option<NullBuffer>,
    offset: usize,
    buffers: Vec<Buffer>,
    children: Vec<ArrayData>,
) -> ArrayData {
    let builder = ArrayDataBuilder::new(data_type)
        .len(len)
        .nulls(nulls)
        .offset(offset)
        .buffers(buffers)
        .child_data(children);
    // SAFETY: rows of data that were as little validated; whoever imports them validates them next.
    unsafe { builder.build_unchecked() }
}
