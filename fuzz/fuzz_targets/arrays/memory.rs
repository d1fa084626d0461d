//! What structures point to: blocks that are as long as they must be and no longer, so that valgrind sees who reads past them.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    cell::Cell,
    ffi::{c_char, c_void},
    ptr,
};

use crate::abi::{ArrowArray, ArrowSchema};

/// Room for any structure, list and number.
const ALIGN: usize = 16;

type Release = unsafe extern "C" fn(*mut c_void);

/// `struct ArrowSchema`, as its specification has it: the contract's fields are not for others to set.
#[repr(C)]
pub struct Schema {
    pub format: *const c_char,
    pub name: *const c_char,
    pub metadata: *const c_char,
    pub flags: i64,
    pub n_children: i64,
    pub children: *mut *mut Schema,
    pub dictionary: *mut Schema,
    pub release: Option<Release>,
    pub private_data: *mut c_void,
}

/// `struct ArrowArray`.
#[repr(C)]
pub struct Array {
    pub length: i64,
    pub null_count: i64,
    pub offset: i64,
    pub n_buffers: i64,
    pub n_children: i64,
    pub buffers: *mut *const c_void,
    pub children: *mut *mut Array,
    pub dictionary: *mut Array,
    pub release: Option<Release>,
    pub private_data: *mut c_void,
}

thread_local! {
    /// Structures that were handed over and are not released.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Whether each structure that was handed over was released, once.
pub fn all_released() {
    assert_eq!(HELD.get(), 0, "structures that are not released");
}

/// What a structure points to.
#[derive(Default)]
pub struct Memory(Vec<(*mut u8, Layout)>);

impl Memory {
    /// A block of zeros that begins so many bytes past where any number may lie.
    fn block(&mut self, len: usize, shift: usize) -> *mut u8 {
        let layout = Layout::from_size_align((len + shift).max(1), ALIGN).expect("a short block");
        // SAFETY: the layout is not of nothing.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        self.0.push((start, layout));
        start.wrapping_add(shift)
    }

    pub fn bytes(&mut self, bytes: &[u8], shift: usize) -> *mut u8 {
        let block = self.block(bytes.len(), shift);
        // SAFETY: the block has so many bytes.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), block, bytes.len()) };
        block
    }

    /// A text with a zero behind it.
    pub fn text(&mut self, text: &[u8]) -> *const c_char {
        self.bytes(&[text, &[0]].concat(), 0).cast()
    }

    /// Values, which need no drop, in a list that is not aligned where there is a shift.
    pub fn list<T: Copy>(&mut self, values: &[T], shift: usize) -> *mut T {
        let block = self.block(size_of_val(values), shift);
        // SAFETY: the block is as long as the values.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr().cast(), block, size_of_val(values)) };
        block.cast()
    }

    pub fn structure<T>(&mut self, structure: T) -> *mut T {
        let block = self.block(size_of::<T>(), 0).cast::<T>();
        // SAFETY: the block has room for it, aligned.
        unsafe { block.write(structure) };
        block
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (start, layout) in self.0.drain(..) {
            // SAFETY: allocated with this layout, and not freed before.
            unsafe { dealloc(start, layout) };
        }
    }
}

/// A structure, and its counterpart in the contract.
pub trait Structure {
    type Contract;

    fn release(&mut self) -> (&mut Option<Release>, &mut *mut c_void);
}

impl Structure for Schema {
    type Contract = ArrowSchema;

    fn release(&mut self) -> (&mut Option<Release>, &mut *mut c_void) {
        (&mut self.release, &mut self.private_data)
    }
}

impl Structure for Array {
    type Contract = ArrowArray;

    fn release(&mut self) -> (&mut Option<Release>, &mut *mut c_void) {
        (&mut self.release, &mut self.private_data)
    }
}

/// Hands a structure over, with all that it points to. `forgetful` does not mark itself as released.
pub fn hand_over<T: Structure>(memory: Memory, root: *mut T, forgetful: bool) -> T::Contract {
    const { assert!(size_of::<T>() == size_of::<T::Contract>()) };
    const { assert!(align_of::<T>() == align_of::<T::Contract>()) };
    HELD.set(HELD.get() + 1);
    // SAFETY: the structure lies in the memory, and the two have one layout.
    unsafe {
        let (release, private_data) = (*root).release();
        *release = Some(match forgetful {
            true => release_silently::<T>,
            false => release_root::<T>,
        });
        *private_data = Box::into_raw(Box::new(memory)).cast();
        root.cast::<T::Contract>().read()
    }
}

unsafe extern "C" fn release_root<T: Structure>(structure: *mut c_void) {
    // SAFETY: called with a structure that `hand_over` has made.
    unsafe {
        release_silently::<T>(structure);
        *(*structure.cast::<T>()).release().0 = None;
    }
}

unsafe extern "C" fn release_silently<T: Structure>(structure: *mut c_void) {
    HELD.set(HELD.get() - 1);
    assert!(HELD.get() >= 0, "released twice");
    // SAFETY: as above; the first call, so the memory is there.
    unsafe {
        let (_, memory) = (*structure.cast::<T>()).release();
        drop(Box::from_raw(memory.cast::<Memory>()));
    }
}

/// How a child is released: by its root.
pub unsafe extern "C" fn release_child(_: *mut c_void) {
    panic!("a child was released by itself");
}
