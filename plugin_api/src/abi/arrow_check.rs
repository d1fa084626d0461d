//! What can be shown of the other side's arrays before arrow reads them, which asserts and
//! dereferences as it goes.
//!
//! The C data interface says where a buffer begins and not how long it is. So this shows counts, lengths, that
//! what must be there is there and aligned, the null mask, and the first and last offset; what lies inside
//! buffers is for [`Validation::Full`](super::Validation), and that a buffer has its bytes nobody can show.

mod offsets;
mod schema;
#[cfg(test)]
mod tests;

use std::{ffi::c_void, fmt::Display};

use arrow::{
    datatypes::{DataType, UnionMode},
    util::bit_chunk_iterator::UnalignedBitChunk,
};

pub(super) use self::{
    offsets::without_shared_offsets,
    schema::{check_schema, check_type},
};
use super::ArrowArray;

/// More rows than any array has: bytes of buffers are counted without overflow up to there.
const MAX_ROWS: usize = isize::MAX as usize / 64;
/// More buffers than views have: a view names its buffer by a number of 32 bits.
const MAX_VIEW_BUFFERS: usize = i32::MAX as usize;

/// How many rows the buffers of an array have at least, unless that is more than any array has.
pub(super) fn rows_of_buffers(offset: usize, length: usize) -> Option<usize> {
    offset.checked_add(length).filter(|end| *end <= MAX_ROWS)
}

/// Checks an array, its children and its dictionary against a type. Whoever made the type has bounded its
/// depth.
///
/// Time grows with the number of columns, but for null masks, which are counted.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check_array(array: &ArrowArray, data_type: &DataType) -> Result<(), String> {
    let array = Shape::of(array)?;
    let has_dictionary = !array.array.dictionary.is_null();
    if has_dictionary != matches!(data_type, DataType::Dictionary(..)) {
        return Err(match has_dictionary {
            true => "a dictionary that the type does not have".to_owned(),
            false => "no dictionary".to_owned(),
        });
    }
    match data_type {
        DataType::Null => array.counts(0, 0),
        DataType::Boolean => {
            array.counts(2, 0)?;
            array.mask()?;
            array.buffer(1, array.end.div_ceil(8), 1).map(drop)
        }
        DataType::FixedSizeBinary(width) => {
            let width = usize::try_from(*width).map_err(|_| format!("values of {width} bytes"))?;
            array.fixed(width, 1)
        }
        DataType::Utf8 | DataType::Binary => array.bytes::<i32>(),
        DataType::LargeUtf8 | DataType::LargeBinary => array.bytes::<i64>(),
        DataType::Utf8View | DataType::BinaryView => array.views(),
        DataType::List(child) | DataType::Map(child, _) => array.list::<i32>(child.data_type()),
        DataType::LargeList(child) => array.list::<i64>(child.data_type()),
        DataType::ListView(child) => array.list_view::<i32>(child.data_type()),
        DataType::LargeListView(child) => array.list_view::<i64>(child.data_type()),
        DataType::FixedSizeList(child, size) => {
            array.counts(1, 1)?;
            array.mask()?;
            let size = usize::try_from(*size).map_err(|_| format!("lists of {size} values"))?;
            let needed = array.end.checked_mul(size).ok_or("too many values")?;
            array.child(0, child.data_type(), needed)
        }
        DataType::Struct(fields) => {
            array.counts(1, fields.len())?;
            array.mask()?;
            let mut children = fields.iter().enumerate();
            children.try_for_each(|(i, field)| array.child(i, field.data_type(), array.end))
        }
        DataType::Union(fields, mode) => {
            let (buffers, needed) = match mode {
                UnionMode::Sparse => (1, array.end),
                UnionMode::Dense => (2, 0),
            };
            array.counts(buffers, fields.len())?;
            array.maskless()?;
            array.buffer(0, array.end, 1)?;
            if *mode == UnionMode::Dense {
                array.buffer(1, array.end * size_of::<i32>(), align_of::<i32>())?;
            }
            let mut children = fields.iter().enumerate();
            children.try_for_each(|(i, (_, field))| array.child(i, field.data_type(), needed))
        }
        DataType::RunEndEncoded(run_ends, values) => {
            array.counts(0, 2)?;
            array.maskless()?;
            array.child(0, run_ends.data_type(), 0)?;
            array.child(1, values.data_type(), 0)
        }
        DataType::Dictionary(keys, values) => {
            let width = keys
                .primitive_width()
                .ok_or_else(|| format!("keys of type {keys}"))?;
            array.fixed(width, width)?;
            // SAFETY: it is there, and lives as long as the array.
            let dictionary = unsafe { structure(array.array.dictionary) }?;
            check_array(dictionary, values).map_err(|problem| format!("dictionary: {problem}"))
        }
        other => {
            let width = other.primitive_width();
            let width = width.ok_or_else(|| format!("no known layout of {other}"))?;
            array.fixed(width, width)
        }
    }
}

/// Whether so many rows of a mask have as many nulls as the array says.
///
/// # Safety
/// The mask has a bit for each of `offset + length` rows.
pub(super) unsafe fn mask_agrees(
    mask: *const c_void,
    offset: usize,
    length: usize,
    null_count: usize,
) -> bool {
    // SAFETY: as the caller says.
    let bytes = unsafe { std::slice::from_raw_parts(mask.cast(), (offset + length).div_ceil(8)) };
    length - UnalignedBitChunk::new(bytes, offset, length).count_ones() == null_count
}

/// The structure at an address.
///
/// # Safety
/// Where the address is not null and aligned there is one, which lives for `'a`.
unsafe fn structure<'a>(address: *mut c_void) -> Result<&'a ArrowArray, String> {
    let address = address.cast::<ArrowArray>();
    if address.is_null() || !address.is_aligned() {
        return Err("not there".to_owned());
    }
    // SAFETY: as the caller says.
    Ok(unsafe { &*address })
}

/// An array whose own numbers make sense.
struct Shape<'a> {
    array: &'a ArrowArray,
    offset: usize,
    length: usize,
    /// Rows that the buffers have at least.
    end: usize,
}

/// Numbers that offsets are made of.
trait Offset: Copy + Display + TryInto<usize> {}
impl Offset for i32 {}
impl Offset for i64 {}

impl<'a> Shape<'a> {
    fn of(array: &'a ArrowArray) -> Result<Self, String> {
        if array.is_released() {
            return Err("released already".to_owned());
        }
        let number = |what: &str, number: i64| {
            usize::try_from(number).map_err(|_| format!("{what} of {number}"))
        };
        let (offset, length) = (
            number("an offset", array.offset)?,
            number("a length", array.length)?,
        );
        let end = rows_of_buffers(offset, length);
        let end = end.ok_or_else(|| format!("{length} rows from row {offset}"))?;
        if array.null_count < -1 || array.null_count > array.length {
            return Err(format!("{} nulls among {length} rows", array.null_count));
        }
        Ok(Self {
            array,
            offset,
            length,
            end,
        })
    }

    fn counts(&self, buffers: usize, children: usize) -> Result<(), String> {
        let expect =
            |what: &str, found: i64, expected: usize, list: *const c_void, aligned: bool| {
                match usize::try_from(found) {
                    Ok(found) if found == expected => {}
                    _ => return Err(format!("{found} {what}, expected {expected}")),
                }
                match expected > 0 && (list.is_null() || !aligned) {
                    true => Err(format!("no list of {what}")),
                    false => Ok(()),
                }
            };
        let array = self.array;
        let (list, aligned) = (array.buffers.cast(), array.buffers.is_aligned());
        expect("buffers", array.n_buffers, buffers, list, aligned)?;
        let (list, aligned) = (array.children.cast(), array.children.is_aligned());
        expect("children", array.n_children, children, list, aligned)
    }

    /// The address of a buffer that was counted.
    fn address(&self, index: usize) -> *const c_void {
        // SAFETY: the list is there and aligned, and has more than `index` addresses, as `counts` or `views`
        // has made sure.
        unsafe { *self.array.buffers.add(index) }
    }

    /// A buffer that was counted, of so many bytes.
    fn buffer(&self, index: usize, bytes: usize, align: usize) -> Result<*const c_void, String> {
        let address = self.address(index);
        if bytes == 0 {
            return Ok(address);
        }
        if address.is_null() {
            return Err(format!("buffer {index} is not there"));
        }
        // Arrow copies what a compiler of another alignment of 128 bits has made.
        if !address.addr().is_multiple_of(align.clamp(1, 8)) {
            return Err(format!("buffer {index} is not aligned"));
        }
        Ok(address)
    }

    fn maskless(&self) -> Result<(), String> {
        match self.array.null_count {
            ..=0 => Ok(()),
            nulls => Err(format!("{nulls} nulls without a null mask")),
        }
    }

    /// The first buffer, which is the null mask.
    fn mask(&self) -> Result<(), String> {
        let mask = self.address(0);
        if mask.is_null() {
            return self.maskless();
        }
        let Ok(null_count) = usize::try_from(self.array.null_count) else {
            return Ok(());
        };
        // SAFETY: a mask has a bit for every row.
        match unsafe { mask_agrees(mask, self.offset, self.length, null_count) } {
            true => Ok(()),
            false => Err(format!("a null mask of other than {null_count} nulls")),
        }
    }

    fn fixed(&self, width: usize, align: usize) -> Result<(), String> {
        self.counts(2, 0)?;
        self.mask()?;
        let bytes = self
            .end
            .checked_mul(width)
            .filter(|bytes| *bytes <= isize::MAX as usize);
        let bytes = bytes.ok_or("too many bytes")?;
        self.buffer(1, bytes, align).map(drop)
    }

    /// The first and the last offset.
    fn offsets<T: Offset>(&self) -> Result<(usize, usize), String> {
        let width = size_of::<T>();
        let offsets = self.buffer(1, (self.end + 1) * width, width)?.cast::<T>();
        if self.length == 0 {
            return Ok((0, 0));
        }
        // SAFETY: the buffer is there and aligned; it has an offset more than rows.
        let (first, last) = unsafe { (*offsets.add(self.offset), *offsets.add(self.end)) };
        match (first.try_into(), last.try_into()) {
            (Ok(from), Ok(to)) if from <= to && to <= isize::MAX as usize => Ok((from, to)),
            _ => Err(format!("offsets from {first} to {last}")),
        }
    }

    fn bytes<T: Offset>(&self) -> Result<(), String> {
        self.counts(3, 0)?;
        self.mask()?;
        let (_, last) = self.offsets::<T>()?;
        self.buffer(2, last, 1).map(drop)
    }

    fn views(&self) -> Result<(), String> {
        let buffers = usize::try_from(self.array.n_buffers).unwrap_or(0);
        if !(3..=MAX_VIEW_BUFFERS).contains(&buffers) {
            return Err(format!(
                "{} buffers, expected 3 or more",
                self.array.n_buffers
            ));
        }
        self.counts(buffers, 0)?;
        self.mask()?;
        self.buffer(1, self.end * size_of::<u128>(), align_of::<u128>())?;
        let lengths = self.buffer(
            buffers - 1,
            (buffers - 3) * size_of::<i64>(),
            align_of::<i64>(),
        )?;
        for index in 2..buffers - 1 {
            // SAFETY: the buffer is there and aligned; it has the length of every buffer before it, from the
            // third.
            let length = unsafe { *lengths.cast::<i64>().add(index - 2) };
            let bytes = usize::try_from(length)
                .ok()
                .filter(|bytes| *bytes <= isize::MAX as usize);
            let bytes = bytes.ok_or_else(|| format!("buffer {index} of {length} bytes"))?;
            self.buffer(index, bytes, 1)?;
        }
        Ok(())
    }

    fn list<T: Offset>(&self, child: &DataType) -> Result<(), String> {
        self.counts(2, 1)?;
        self.mask()?;
        let (_, last) = self.offsets::<T>()?;
        self.child(0, child, last)
    }

    fn list_view<T: Offset>(&self, child: &DataType) -> Result<(), String> {
        self.counts(3, 1)?;
        self.mask()?;
        for index in [1, 2] {
            self.buffer(index, self.end * size_of::<T>(), align_of::<T>())?;
        }
        self.child(0, child, 0)
    }

    /// A child that was counted, of so many rows at least.
    fn child(&self, index: usize, data_type: &DataType, rows: usize) -> Result<(), String> {
        // SAFETY: the list is there and aligned, and has more than `index` addresses, as `counts` has made
        // sure.
        let address = unsafe { *self.array.children.add(index) };
        // SAFETY: what the list names lives as long as the array.
        let child = unsafe { structure(address) };
        let checked = child.and_then(|child| {
            check_array(child, data_type)?;
            match usize::try_from(child.length).is_ok_and(|length| length >= rows) {
                true => Ok(()),
                false => Err(format!("{} rows, expected {rows}", child.length)),
            }
        });
        checked.map_err(|problem| format!("child {index}: {problem}"))
    }
}
