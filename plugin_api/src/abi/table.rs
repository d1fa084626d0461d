//! Tables: the functions and factories that yield them, their scans and writes, and streams of
//! batches in both directions.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString},
};

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
    /// Makes the tables of `CREATE EXTERNAL TABLE ... STORED AS`.
    Shared trait TableFactory / TableFactoryVTable / TableFactoryVTableRef / TableFactoryObject;
    ref {
        /// Starts to make a table: [`message::CreateTable`](crate::abi::message::CreateTable), with
        /// the schema of the statement as types.
        fn create(request: Parcel) -> TableOpeningObject;
    }
}

interface! {
    /// A table that is being looked up or made. Dropping it cancels the work.
    Exclusive trait TableOpening / TableOpeningVTable / TableOpeningVTableRef / TableOpeningObject;
    mut {
        /// The table, or that there is none; pending while neither is known, and `waker` is woken
        /// then.
        fn poll(waker: HostWaker) -> Opening;
    }
}

/// One answer of a [`TableOpening`].
#[repr(C, u8)]
#[derive(StableAbi, Debug)]
pub enum Opening {
    /// Not known yet.
    Pending,
    /// The table, or that there is none.
    Ready(ROption<TableObject>),
}

interface! {
    /// A table.
    Shared trait Table / TableVTable / TableVTableRef / TableObject;
    ref {
        /// [`message::TableDescriptor`](crate::abi::message::TableDescriptor), with the schema as types.
        fn describe() -> Parcel;
        /// [`message::TableStatistics`](crate::abi::message::TableStatistics), if there are any.
        fn statistics() -> ROption<Parcel>;
        /// How far each filter is applied: [`message::PushdownReply`](crate::abi::message::PushdownReply)
        /// to [`message::Filters`](crate::abi::message::Filters).
        fn pushdown(request: Parcel) -> Parcel;
        /// Starts to plan a scan: [`message::ScanRequest`](crate::abi::message::ScanRequest).
        fn scan(request: Parcel) -> ScanPlanningObject;
        /// Starts to plan a change of the table, whose scan yields how many rows it changed:
        /// [`message::WriteRequest`](crate::abi::message::WriteRequest). Nothing is changed before
        /// that scan is executed.
        fn write(request: Parcel) -> ScanPlanningObject;
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
        /// [`message::TableStatistics`](crate::abi::message::TableStatistics) of one partition, or of all.
        fn statistics(partition: ROption<usize>) -> Parcel;
        /// The scan altered, where the callee can:
        /// [`message::Alteration`](crate::abi::message::Alteration).
        fn alter(request: Parcel) -> ROption<ScanObject>;
        /// Starts to read one partition. A scan that has an input is given it here, for the time
        /// of the stream.
        fn execute(partition: usize, memory: MemoryPoolObject, input: ROption<InputObject>) -> BatchStreamObject;
        /// [`message::ScanMetrics`](crate::abi::message::ScanMetrics) of the executions so far.
        fn metrics() -> Parcel;
    }
}

interface! {
    /// The rows that a write is given, on the calling side.
    Shared trait Input / InputVTable / InputVTableRef / InputObject;
    ref {
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

interface! {
    /// The memory that a query may use, on the host's side.
    Shared trait MemoryPool / MemoryPoolVTable / MemoryPoolVTableRef / MemoryPoolObject;
    ref {
        /// An empty reservation for a consumer of this name.
        fn register(consumer: RString, can_spill: bool) -> MemoryReservationObject;
        /// Bytes reserved by all.
        fn reserved() -> usize;
        /// The most that all may reserve: `usize::MAX` for no limit, nothing where it is not known.
        fn limit() -> ROption<usize>;
    }
}

interface! {
    /// A consumer's part of a [`MemoryPool`]. Dropping it gives the memory back.
    Shared trait MemoryReservation / MemoryReservationVTable / MemoryReservationVTableRef / MemoryReservationObject;
    ref {
        /// Takes so many bytes more, past the limit too.
        fn grow(bytes: usize) -> ();
        /// Takes so many bytes more; resources are exhausted when the pool has none left.
        fn try_grow(bytes: usize) -> ();
        /// Gives so many bytes back.
        fn shrink(bytes: usize) -> ();
    }
}
