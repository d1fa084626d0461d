//! Arrow's C data interface, in the layout that its specification gives.
//!
//! Whoever fills a structure owns what it points to until the other side calls `release`, which
//! runs on the filling side. Moving the structure moves the ownership.

use std::ffi::{c_char, c_void};

use abi_stable::StableAbi;

/// `struct ArrowSchema`: a type, or the fields of a batch.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct ArrowSchema {
    pub(super) format: *const c_char,
    pub(super) name: *const c_char,
    pub(super) metadata: *const c_char,
    flags: i64,
    pub(super) n_children: i64,
    pub(super) children: *mut *mut c_void,
    pub(super) dictionary: *mut c_void,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
    private_data: *mut c_void,
}

/// `struct ArrowArray`: the buffers of a column, or the columns of a batch.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct ArrowArray {
    pub(super) length: i64,
    pub(super) null_count: i64,
    pub(super) offset: i64,
    pub(super) n_buffers: i64,
    pub(super) n_children: i64,
    pub(super) buffers: *mut *const c_void,
    pub(super) children: *mut *mut c_void,
    pub(super) dictionary: *mut c_void,
    pub(super) release: Option<unsafe extern "C" fn(*mut c_void)>,
    pub(super) private_data: *mut c_void,
}

impl ArrowSchema {
    /// The released schema: nothing.
    pub const fn empty() -> Self {
        Self {
            format: std::ptr::null(),
            name: std::ptr::null(),
            metadata: std::ptr::null(),
            flags: 0,
            n_children: 0,
            children: std::ptr::null_mut(),
            dictionary: std::ptr::null_mut(),
            release: None,
            private_data: std::ptr::null_mut(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_released(&self) -> bool {
        self.release.is_none()
    }
}

impl ArrowArray {
    /// The released array: nothing.
    pub const fn empty() -> Self {
        Self {
            length: 0,
            null_count: 0,
            offset: 0,
            n_buffers: 0,
            n_children: 0,
            buffers: std::ptr::null_mut(),
            children: std::ptr::null_mut(),
            dictionary: std::ptr::null_mut(),
            release: None,
            private_data: std::ptr::null_mut(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_released(&self) -> bool {
        self.release.is_none()
    }

    /// Takes the array out and leaves the released one.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::empty())
    }

    /// The number of rows.
    pub fn len(&self) -> i64 {
        self.length
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Drop for ArrowSchema {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: a release function that is set may be called once, with the structure itself;
            // it unsets itself, and this is the end of the structure.
            unsafe { release(std::ptr::from_mut(self).cast()) }
        }
    }
}

impl Drop for ArrowArray {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: as for `ArrowSchema`.
            unsafe { release(std::ptr::from_mut(self).cast()) }
        }
    }
}

// SAFETY: behind a shared reference it is only read, by whoever took it in.
unsafe impl Sync for ArrowArray {}
// SAFETY: the C data interface lets a structure be moved to and released on another thread.
unsafe impl Send for ArrowSchema {}
// SAFETY: as above.
unsafe impl Send for ArrowArray {}
