//! The host's memory pool, inside the plugin.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion_common::Result;
use datafusion_execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use crate::{
    abi::{CallError, MemoryPoolObject, MemoryReservationObject},
    df55::error::from_call_error,
};

/// Every consumer of the plugin's has a reservation at the host.
#[derive(Debug)]
pub(super) struct HostMemory {
    pool: MemoryPoolObject,
    reservations: Mutex<HashMap<usize, Arc<MemoryReservationObject>>>,
}

impl HostMemory {
    pub(super) fn new(pool: MemoryPoolObject) -> Self {
        Self {
            pool,
            reservations: Mutex::default(),
        }
    }

    fn reservation(
        &self,
        consumer: &MemoryConsumer,
    ) -> Result<Arc<MemoryReservationObject>, CallError> {
        let reservations = self
            .reservations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        reservations
            .get(&consumer.id())
            .map(Arc::clone)
            .ok_or_else(|| CallError::contract(format!("no reservation of '{}'", consumer.name())))
    }
}

/// Goes on without what the host could not do where DataFusion's trait has no way to say so.
fn told(result: Result<(), CallError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "the host's memory pool");
    }
}

impl MemoryPool for HostMemory {
    fn name(&self) -> &str {
        "host"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        let registered = self
            .pool
            .register(consumer.name().into(), consumer.can_spill())
            .map(|reservation| {
                let mut reservations = self
                    .reservations
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                reservations.insert(consumer.id(), Arc::new(reservation));
            });
        told(registered);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        let removed = self
            .reservations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&consumer.id());
        // Released outside the lock: it is a call to the host.
        drop(removed);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let host = self.reservation(reservation.consumer());
        told(host.and_then(|host| host.grow(additional)));
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let host = self.reservation(reservation.consumer());
        told(host.and_then(|host| host.shrink(shrink)));
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.reservation(reservation.consumer())
            .and_then(|host| host.try_grow(additional))
            .map_err(from_call_error)
    }

    fn reserved(&self) -> usize {
        self.pool.reserved().unwrap_or_default()
    }

    fn memory_limit(&self) -> MemoryLimit {
        match self.pool.limit().map(Into::into) {
            Ok(Some(usize::MAX)) => MemoryLimit::Infinite,
            Ok(Some(limit)) => MemoryLimit::Finite(limit),
            Ok(None) | Err(_) => MemoryLimit::Unknown,
        }
    }
}

impl fmt::Display for HostMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("host")
    }
}
