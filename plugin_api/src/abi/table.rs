//! Table functions, and the tables and batch streams that they yield.

use abi_stable::{StableAbi, std_types::ROption};

use super::{ArrowArray, HostWaker, Parcel};

/// One answer of a [`BatchStream`].
#[repr(C, u8)]
#[derive(StableAbi, Debug)]
pub enum Batch {
    /// Nothing yet; the waker is woken when there is.
    Pending,
    /// A batch: a struct array of the scan's schema.
    Ready(ArrowArray),
    /// The end.
    End,
}

interface! {
    /// A function in `FROM` that yields a table.
    Shared trait TableFunction / TableFunctionVTable / TableFunctionVTableRef / TableFunctionObject;
    ref {
        /// [`message::TableFunctionDescriptor`](crate::abi::message::TableFunctionDescriptor).
        fn describe() -> Parcel;
        /// Constant arguments to a table.
        fn call(request: Parcel) -> TableObject;
    }
}

interface! {
    /// A table that is read as streams of batches.
    Shared trait Table / TableVTable / TableVTableRef / TableObject;
    ref {
        /// The schema, as the types of the parcel.
        fn schema() -> Parcel;
        /// Starts to plan a scan of some columns.
        fn scan(request: Parcel) -> ScanPlanningObject;
    }
}

interface! {
    /// A scan that is being planned. Dropping it cancels the planning.
    Exclusive trait ScanPlanning / ScanPlanningVTable / ScanPlanningVTableRef / ScanPlanningObject;
    mut {
        /// The scan, once it is planned; nothing while it is not, and `waker` is woken then.
        fn poll(waker: HostWaker) -> ROption<ScanObject>;
    }
}

interface! {
    /// A planned scan.
    Shared trait Scan / ScanVTable / ScanVTableRef / ScanObject;
    ref {
        /// [`message::ScanDescriptor`](crate::abi::message::ScanDescriptor), with the schema of the batches as types.
        fn describe() -> Parcel;
        /// Starts to read one partition.
        fn execute(partition: usize) -> BatchStreamObject;
    }
}

interface! {
    /// Batches of one partition, in order. Dropping it stops the work behind it.
    Exclusive trait BatchStream / BatchStreamVTable / BatchStreamVTableRef / BatchStreamObject;
    mut {
        /// The next batch.
        fn poll_next(waker: HostWaker) -> Batch;
    }
}
