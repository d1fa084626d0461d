//! The short way across for the arrays that most batches are made of: numbers, booleans, strings, and
//! structs of these. One allocation hands an array out, and taking it in builds the typed array
//! straight away. Whatever is not of this form goes arrow's own way.

use std::{ffi::c_void, ptr::NonNull, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, GenericByteArray,
        PrimitiveArray, StructArray, downcast_primitive, downcast_primitive_array,
    },
    buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{
        ArrowNativeType, BinaryType, ByteArrayType, DataType, Fields, LargeBinaryType,
        LargeUtf8Type, Utf8Type,
    },
};

use super::{
    ArrowArray,
    arrow_check::{mask_agrees, rows_of_buffers},
};

/// What an array handed out holds on to: its buffers, and the list of their addresses.
struct Flat {
    addresses: [*const c_void; 3],
    _nulls: Option<NullBuffer>,
    _buffers: [Option<Buffer>; 2],
}

/// What a struct handed out holds on to: its children, and the list of their addresses.
struct Parent {
    addresses: Vec<*mut c_void>,
    no_nulls: [*const c_void; 1],
    _children: Vec<ArrowArray>,
}

/// Hands an array out, if it is of a form that goes the short way.
pub(super) fn export_flat(array: &dyn Array) -> Option<ArrowArray> {
    // An empty array may lie anywhere in its buffers: arrow makes it anew.
    if array.is_empty() {
        return None;
    }
    downcast_primitive_array! {
        array => flat(array, [Some(array.values().inner().clone()), None], array.values().as_ptr().cast()),
        DataType::Boolean => {
            let values = array.as_boolean().values();
            let start = byte_start(values.offset())?;
            // SAFETY: the offset lies inside the buffer.
            let address = unsafe { values.values().as_ptr().add(start) };
            flat(array, [Some(values.inner().clone()), None], address.cast())
        }
        DataType::Utf8 => bytes(array.as_bytes::<Utf8Type>()),
        DataType::LargeUtf8 => bytes(array.as_bytes::<LargeUtf8Type>()),
        DataType::Binary => bytes(array.as_bytes::<BinaryType>()),
        DataType::LargeBinary => bytes(array.as_bytes::<LargeBinaryType>()),
        DataType::Struct(_) => parent(array.as_struct()),
        _ => None
    }
}

/// The byte that a bit offset starts at, if it starts at one.
fn byte_start(bits: usize) -> Option<usize> {
    bits.is_multiple_of(8).then_some(bits / 8)
}

fn bytes<T: ByteArrayType>(array: &GenericByteArray<T>) -> Option<ArrowArray> {
    let offsets = array.offsets().inner().inner().clone();
    let values = array.values().clone();
    let mut exported = flat(
        array,
        [Some(offsets), Some(values)],
        array.offsets().as_ptr().cast(),
    )?;
    exported.n_buffers = 3;
    Some(exported)
}

fn flat(
    array: &dyn Array,
    buffers: [Option<Buffer>; 2],
    first: *const c_void,
) -> Option<ArrowArray> {
    let nulls = array
        .nulls()
        .filter(|nulls| nulls.null_count() > 0)
        .cloned();
    let validity = match &nulls {
        None => std::ptr::null(),
        Some(nulls) => {
            let start = byte_start(nulls.offset())?;
            // SAFETY: the offset lies inside the buffer.
            unsafe { nulls.validity().as_ptr().add(start) }.cast()
        }
    };
    let second = buffers[1]
        .as_ref()
        .map_or(std::ptr::null(), |buffer| buffer.as_ptr().cast());
    let null_count = nulls.as_ref().map_or(0, NullBuffer::null_count) as i64;
    let held = Box::into_raw(Box::new(Flat {
        addresses: [validity, first, second],
        _nulls: nulls,
        _buffers: buffers,
    }));
    // SAFETY: just made, and owned by the structure that is returned.
    let addresses = unsafe { (*held).addresses.as_mut_ptr() };
    let mut exported = ArrowArray::empty();
    exported.length = array.len() as i64;
    exported.null_count = null_count;
    exported.n_buffers = 2;
    exported.buffers = addresses;
    exported.private_data = held.cast();
    exported.release = Some(release::<Flat>);
    Some(exported)
}

fn parent(array: &StructArray) -> Option<ArrowArray> {
    if array.null_count() > 0 || array.num_columns() == 0 {
        return None;
    }
    let mut children: Vec<ArrowArray> = array
        .columns()
        .iter()
        .map(|child| super::export_array(child.as_ref()))
        .collect();
    let addresses = children
        .iter_mut()
        .map(|child| std::ptr::from_mut(child).cast())
        .collect();
    let held = Box::into_raw(Box::new(Parent {
        addresses,
        no_nulls: [std::ptr::null()],
        _children: children,
    }));
    // SAFETY: just made, and owned by the structure that is returned.
    let held_ref = unsafe { &mut *held };
    let mut exported = ArrowArray::empty();
    exported.length = array.len() as i64;
    exported.n_buffers = 1;
    exported.n_children = held_ref.addresses.len() as i64;
    exported.buffers = held_ref.no_nulls.as_mut_ptr();
    exported.children = held_ref.addresses.as_mut_ptr();
    exported.private_data = held.cast();
    exported.release = Some(release::<Parent>);
    Some(exported)
}

/// Releases a structure that holds a boxed `T`.
unsafe extern "C" fn release<T>(array: *mut c_void) {
    // SAFETY: called once, with the structure that `flat` or `parent` made with a boxed `T`.
    unsafe {
        let array = &mut *array.cast::<ArrowArray>();
        array.release = None;
        drop(Box::from_raw(array.private_data.cast::<T>()));
    }
}

/// Takes an array in, or gives it back if it is not of a form that goes the short way.
///
/// The caller holds an array that was not released, of the type that both sides fixed.
pub(super) fn import_flat(array: ArrowArray, data_type: &DataType) -> Result<ArrayRef, ArrowArray> {
    let flat = match data_type {
        DataType::Struct(_) => array.n_children > 0,
        _ => array.n_buffers == 2 || array.n_buffers == 3,
    };
    if !flat || array.length <= 0 {
        return Err(array);
    }
    let owner = Arc::new(array);
    match (Import {
        array: &owner,
        owner: &owner,
    })
    .array(data_type)
    {
        Some(imported) => Ok(imported),
        // Nothing else holds the owner: what was imported of it is dropped by now.
        None => Err(Arc::into_inner(owner).unwrap_or_else(ArrowArray::empty)),
    }
}

/// An array, or a child of one, whose buffers live as long as `owner`.
struct Import<'a> {
    array: &'a ArrowArray,
    owner: &'a Arc<ArrowArray>,
}

impl Import<'_> {
    fn array(&self, data_type: &DataType) -> Option<ArrayRef> {
        macro_rules! primitive {
            ($Type:ty) => {
                self.primitive::<$Type>(data_type)
            };
        }
        downcast_primitive! {
            data_type => (primitive),
            DataType::Boolean => {
                let nulls = self.nulls(2)?;
                let values = self.bits(1)?;
                Some(Arc::new(BooleanArray::new(values, nulls)) as ArrayRef)
            }
            DataType::Utf8 => self.bytes::<Utf8Type>(),
            DataType::LargeUtf8 => self.bytes::<LargeUtf8Type>(),
            DataType::Binary => self.bytes::<BinaryType>(),
            DataType::LargeBinary => self.bytes::<LargeBinaryType>(),
            DataType::Struct(fields) => self.children(fields),
            _ => None
        }
    }

    fn rows(&self) -> Option<(usize, usize)> {
        let offset = usize::try_from(self.array.offset).ok()?;
        let length = usize::try_from(self.array.length).ok()?;
        rows_of_buffers(offset, length)?;
        Some((offset, length))
    }

    /// The `len` bytes of a buffer, if it is there and aligned.
    fn buffer(&self, index: usize, len: usize, align: usize) -> Option<Buffer> {
        if self.array.buffers.is_null() {
            return None;
        }
        // SAFETY: the structure has more than `index` buffers, as the callers made sure.
        let address = unsafe { *self.array.buffers.add(index) };
        let address = NonNull::new(address.cast_mut().cast::<u8>())?;
        if !address.addr().get().is_multiple_of(align) {
            return None;
        }
        let owner = Arc::clone(self.owner);
        // SAFETY: the other side promises so many bytes there, until the owner is released.
        Some(unsafe { Buffer::from_custom_allocation(address, len, owner) })
    }

    fn bits(&self, index: usize) -> Option<BooleanBuffer> {
        let (offset, length) = self.rows()?;
        let buffer = self.buffer(index, (offset + length).div_ceil(8), 1)?;
        Some(BooleanBuffer::new(buffer, offset, length))
    }

    /// The null mask, where there is one; `None` when the array is not flat with so many buffers, or counts
    /// its nulls wrong.
    #[allow(
        clippy::option_option,
        reason = "no mask is one answer, not flat the other"
    )]
    fn nulls(&self, buffers: i64) -> Option<Option<NullBuffer>> {
        let plain = self.array.n_buffers == buffers
            && self.array.n_children == 0
            && self.array.dictionary.is_null()
            && !self.array.buffers.is_null()
            && self.array.buffers.is_aligned()
            && !self.array.is_released()
            && self.array.null_count >= -1;
        if !plain {
            return None;
        }
        // SAFETY: there is at least one buffer.
        let mask = unsafe { *self.array.buffers };
        match (mask.is_null(), self.array.null_count) {
            (true, ..=0) => Some(None),
            (true, _) => None,
            (false, 0) => {
                let (offset, length) = self.rows()?;
                // SAFETY: a mask has a bit for every row.
                unsafe { mask_agrees(mask, offset, length, 0) }.then_some(None)
            }
            (false, count) => {
                let mask = NullBuffer::new(self.bits(0)?);
                (count == -1 || mask.null_count() as i64 == count).then_some(Some(mask))
            }
        }
    }

    fn primitive<T: ArrowPrimitiveType>(&self, data_type: &DataType) -> Option<ArrayRef> {
        let nulls = self.nulls(2)?;
        let (offset, length) = self.rows()?;
        let bytes = (offset + length).checked_mul(size_of::<T::Native>())?;
        isize::try_from(bytes).ok()?;
        let buffer = self.buffer(1, bytes, align_of::<T::Native>())?;
        let values = ScalarBuffer::<T::Native>::new(buffer, offset, length);
        let array = PrimitiveArray::<T>::new(values, nulls);
        // Only timestamps and decimals have a type that `T` does not tell.
        let array = match data_type {
            DataType::Timestamp(_, Some(_))
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => array.with_data_type(data_type.clone()),
            _ => array,
        };
        Some(Arc::new(array))
    }

    fn bytes<T: ByteArrayType>(&self) -> Option<ArrayRef> {
        let nulls = self.nulls(3)?;
        let (offset, length) = self.rows()?;
        let bytes = (offset + length)
            .checked_add(1)?
            .checked_mul(size_of::<T::Offset>())?;
        isize::try_from(bytes).ok()?;
        let buffer = self.buffer(1, bytes, align_of::<T::Offset>())?;
        let offsets = ScalarBuffer::<T::Offset>::new(buffer, offset, length + 1);
        let start = ArrowNativeType::to_usize(*offsets.first()?)?;
        let end = ArrowNativeType::to_usize(*offsets.last()?)?;
        if start > end || isize::try_from(end).is_err() {
            return None;
        }
        let values = match end {
            0 => Buffer::default(),
            end => self.buffer(2, end, 1)?,
        };
        // SAFETY: the first and last offset are in order and inside the values; the other side
        // promises the rest, and that strings are UTF-8, as for every array that is imported.
        let array = unsafe {
            let offsets = OffsetBuffer::new_unchecked(offsets);
            GenericByteArray::<T>::new_unchecked(offsets, values, nulls)
        };
        Some(Arc::new(array))
    }

    fn children(&self, fields: &Fields) -> Option<ArrayRef> {
        let array = self.array;
        let plain = array.n_children == fields.len() as i64
            && array.offset == 0
            && array.null_count == 0
            && array.n_buffers == 1
            && array.dictionary.is_null()
            && !array.children.is_null()
            && array.children.is_aligned()
            && !array.buffers.is_null()
            && array.buffers.is_aligned()
            && !array.is_released();
        if !plain {
            return None;
        }
        // SAFETY: there is one buffer. A mask without nulls is for the other way to look at.
        if !unsafe { *array.buffers }.is_null() {
            return None;
        }
        let mut columns = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            // SAFETY: there are as many children as fields, and the owner keeps them alive.
            let child = unsafe { *array.children.add(index) }.cast::<ArrowArray>();
            if !child.is_aligned() {
                return None;
            }
            // SAFETY: as above.
            let child = unsafe { child.as_ref() }?;
            if child.length != array.length || child.is_released() {
                return None;
            }
            let child = Import {
                array: child,
                owner: self.owner,
            };
            columns.push(child.array(field.data_type())?);
        }
        let columns = StructArray::try_new(fields.clone(), columns, None).ok()?;
        Some(Arc::new(columns))
    }
}
