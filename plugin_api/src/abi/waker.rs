//! A waker that crosses: the polling side's waker, usable by the polled side.

use std::{
    ffi::c_void,
    mem::ManuallyDrop,
    task::{RawWaker, RawWakerVTable, Waker},
};

use abi_stable::StableAbi;

/// The polling side's waker, lent for the time of one poll.
///
/// The polled side borrows it as a [`Waker`] and clones it to keep it; clone, wake and drop run on
/// the polling side.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct HostWaker {
    data: *const c_void,
    clone: unsafe extern "C" fn(*const c_void) -> HostWaker,
    wake: unsafe extern "C" fn(*const c_void),
    wake_by_ref: unsafe extern "C" fn(*const c_void),
    drop: unsafe extern "C" fn(*const c_void),
}

/// Lends `waker` across the boundary. The result must not outlive it; the contract has it end with
/// the poll.
impl From<&Waker> for HostWaker {
    fn from(waker: &Waker) -> Self {
        Self {
            data: std::ptr::from_ref(waker).cast(),
            clone: clone_waker,
            wake: wake_owned,
            wake_by_ref: wake_borrowed,
            drop: drop_owned,
        }
    }
}

// The functions below run on the polling side. A lent `HostWaker` points to the poll's own
// `Waker`; one made by `clone_waker` points to a boxed one, which `wake` and `drop` consume.
// A `Waker` of an executor that panics would unwind into the polled side: it is caught.

unsafe extern "C" fn clone_waker(data: *const c_void) -> HostWaker {
    // SAFETY: `data` is a live `Waker`, lent or boxed.
    let waker = unsafe { &*data.cast::<Waker>() };
    let boxed = Box::into_raw(Box::new(waker.clone()));
    HostWaker {
        data: boxed.cast(),
        clone: clone_waker,
        wake: wake_owned,
        wake_by_ref: wake_borrowed,
        drop: drop_owned,
    }
}

unsafe extern "C" fn wake_owned(data: *const c_void) {
    // SAFETY: only clones are woken by value, and those are boxed.
    let waker = unsafe { Box::from_raw(data.cast_mut().cast::<Waker>()) };
    let _ = std::panic::catch_unwind(move || waker.wake());
}

unsafe extern "C" fn wake_borrowed(data: *const c_void) {
    // SAFETY: `data` is a live `Waker`, lent or boxed.
    let waker = unsafe { &*data.cast::<Waker>() };
    let _ = std::panic::catch_unwind(|| waker.wake_by_ref());
}

unsafe extern "C" fn drop_owned(data: *const c_void) {
    // SAFETY: only clones are dropped, and those are boxed.
    drop(unsafe { Box::from_raw(data.cast_mut().cast::<Waker>()) });
}

impl HostWaker {
    /// Runs `poll` with this waker as a [`Waker`].
    pub fn with<R>(&self, poll: impl FnOnce(&Waker) -> R) -> R {
        let raw = RawWaker::new(std::ptr::from_ref(self).cast(), &LENT);
        // SAFETY: the table below keeps the rules of `RawWaker`; the waker is not dropped, as it
        // only borrows `self`, and does not leave this call but by `clone`.
        let waker = ManuallyDrop::new(unsafe { Waker::from_raw(raw) });
        poll(&waker)
    }
}

/// Owned wakers on the polled side hold a boxed [`HostWaker`].
static OWNED: RawWakerVTable = RawWakerVTable::new(
    clone_foreign,
    wake_foreign,
    wake_foreign_by_ref,
    drop_foreign,
);
/// The waker of [`HostWaker::with`] borrows; it is never woken by value and never dropped.
static LENT: RawWakerVTable = RawWakerVTable::new(
    clone_foreign,
    wake_foreign_by_ref,
    wake_foreign_by_ref,
    ignore,
);

unsafe fn clone_foreign(data: *const ()) -> RawWaker {
    // SAFETY: `data` is a live `HostWaker`; its functions take its data.
    let clone = unsafe {
        let waker = &*data.cast::<HostWaker>();
        (waker.clone)(waker.data)
    };
    RawWaker::new(Box::into_raw(Box::new(clone)).cast_const().cast(), &OWNED)
}

unsafe fn wake_foreign(data: *const ()) {
    // SAFETY: `data` is a boxed `HostWaker` that holds a clone, consumed here.
    unsafe {
        let waker = Box::from_raw(data.cast_mut().cast::<HostWaker>());
        (waker.wake)(waker.data);
    }
}

unsafe fn wake_foreign_by_ref(data: *const ()) {
    // SAFETY: `data` is a live `HostWaker`.
    unsafe {
        let waker = &*data.cast::<HostWaker>();
        (waker.wake_by_ref)(waker.data);
    }
}

unsafe fn drop_foreign(data: *const ()) {
    // SAFETY: `data` is a boxed `HostWaker` that holds a clone, consumed here.
    unsafe {
        let waker = Box::from_raw(data.cast_mut().cast::<HostWaker>());
        (waker.drop)(waker.data);
    }
}

unsafe fn ignore(_: *const ()) {}
