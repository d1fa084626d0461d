//! The host's memory pool, handed to a plugin's scan.

use std::sync::Arc;

use abi_stable::std_types::{ROption, RString};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool as Pool};
use datafusion_plugin_api::{
    abi::{CallError, MemoryPool, MemoryReservation, MemoryReservationObject},
    df55::error::to_call_error,
};

use crate::import::origin::Origin;

pub(super) struct HostMemoryPool {
    /// `plugin.item`, by which its consumers are known.
    owner: String,
    pool: Arc<dyn Pool>,
}

impl HostMemoryPool {
    pub(super) fn new(origin: &Origin, pool: Arc<dyn Pool>) -> Self {
        Self {
            owner: format!("{}.{}", origin.plugin().name(), origin.item()),
            pool,
        }
    }
}

impl MemoryPool for HostMemoryPool {
    fn item(&self) -> &str {
        &self.owner
    }

    fn register(
        &self,
        consumer: RString,
        can_spill: bool,
    ) -> Result<MemoryReservationObject, CallError> {
        let consumer = MemoryConsumer::new(format!("{}: {consumer}", self.owner));
        let reservation = consumer.with_can_spill(can_spill).register(&self.pool);
        Ok(MemoryReservationObject::new(HostReservation {
            owner: self.owner.clone(),
            reservation,
        }))
    }

    fn reserved(&self) -> Result<usize, CallError> {
        Ok(self.pool.reserved())
    }

    fn limit(&self) -> Result<ROption<usize>, CallError> {
        Ok(match self.pool.memory_limit() {
            MemoryLimit::Infinite => ROption::RSome(usize::MAX),
            MemoryLimit::Finite(bytes) => ROption::RSome(bytes),
            MemoryLimit::Unknown => ROption::RNone,
        })
    }
}

struct HostReservation {
    owner: String,
    reservation: datafusion::execution::memory_pool::MemoryReservation,
}

impl MemoryReservation for HostReservation {
    fn item(&self) -> &str {
        &self.owner
    }

    fn grow(&self, bytes: usize) -> Result<(), CallError> {
        self.reservation.grow(bytes);
        Ok(())
    }

    fn try_grow(&self, bytes: usize) -> Result<(), CallError> {
        let grown = self.reservation.try_grow(bytes);
        grown.map_err(|error| to_call_error(&error))
    }

    fn shrink(&self, bytes: usize) -> Result<(), CallError> {
        // DataFusion panics on more than there is.
        if bytes > self.reservation.size() {
            return Err(CallError::contract(format!(
                "gives back {bytes} of {} bytes",
                self.reservation.size()
            )));
        }
        self.reservation.shrink(bytes);
        Ok(())
    }
}
