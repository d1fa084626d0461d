//! The host's memory pool, handed to a plugin's scan.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use abi_stable::std_types::{ROption, RString};
use datafusion::{
    execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool as Pool},
    physical_plan::metrics::Gauge,
};
use datafusion_plugin_api::{
    abi::{CallError, MemoryPool, MemoryReservation, MemoryReservationObject},
    df55::error::to_call_error,
};

use crate::import::{limits::Limits, origin::Origin};

pub(super) struct HostMemoryPool {
    /// `plugin.item`, by which its consumers are known.
    owner: String,
    pool: Arc<dyn Pool>,
    account: Arc<Account>,
}

/// What the reservations of one execution add up to.
pub(super) struct Account {
    origin: Origin,
    reserved: AtomicUsize,
    peak: Gauge,
    /// Why the execution has to end.
    overdrawn: OnceLock<CallError>,
}

impl Account {
    /// Why the execution has to end: what it has taken could not be refused.
    pub(super) fn overdrawn(&self) -> Option<&CallError> {
        self.overdrawn.get()
    }

    fn overdraw(&self, error: CallError) {
        // The first tells why.
        let _ = self.overdrawn.set(error);
    }

    fn limits(&self) -> &Limits {
        self.origin.plugin().limits()
    }

    fn reserve(&self, bytes: usize) {
        let now = self.reserved.fetch_add(bytes, Relaxed) + bytes;
        self.peak.set_max(now);
        self.origin.metrics().reserve(bytes);
    }

    fn give_back(&self, bytes: usize) {
        self.reserved.fetch_sub(bytes, Relaxed);
        self.limits().give_back(bytes);
        self.origin.metrics().give_back(bytes);
    }
}

impl HostMemoryPool {
    pub(super) fn new(origin: &Origin, pool: Arc<dyn Pool>, peak: Gauge) -> Self {
        Self {
            owner: format!("{}.{}", origin.plugin().name(), origin.item()),
            pool,
            account: Arc::new(Account {
                origin: origin.clone(),
                reserved: AtomicUsize::new(0),
                peak,
                overdrawn: OnceLock::new(),
            }),
        }
    }

    pub(super) fn account(&self) -> Arc<Account> {
        Arc::clone(&self.account)
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
            account: Arc::clone(&self.account),
        }))
    }

    fn reserved(&self) -> Result<usize, CallError> {
        Ok(self.pool.reserved())
    }

    fn limit(&self) -> Result<ROption<usize>, CallError> {
        let pool = match self.pool.memory_limit() {
            MemoryLimit::Infinite => Some(usize::MAX),
            MemoryLimit::Finite(bytes) => Some(bytes),
            MemoryLimit::Unknown => None,
        };
        let own = self.account.limits().memory();
        Ok(pool.into_iter().chain(own).min().into())
    }
}

struct HostReservation {
    owner: String,
    reservation: datafusion::execution::memory_pool::MemoryReservation,
    account: Arc<Account>,
}

impl Drop for HostReservation {
    fn drop(&mut self) {
        self.account.give_back(self.reservation.size());
    }
}

impl MemoryReservation for HostReservation {
    fn item(&self) -> &str {
        &self.owner
    }

    fn grow(&self, bytes: usize) -> Result<(), CallError> {
        match self.account.limits().reserve_anyway(bytes) {
            Ok(exceeded) => {
                self.reservation.grow(bytes);
                self.account.reserve(bytes);
                exceeded
                    .into_iter()
                    .for_each(|why| self.account.overdraw(why));
                Ok(())
            }
            Err(error) => {
                self.account.overdraw(error.clone());
                Err(error)
            }
        }
    }

    fn try_grow(&self, bytes: usize) -> Result<(), CallError> {
        self.account.limits().reserve(bytes)?;
        if let Err(error) = self.reservation.try_grow(bytes) {
            self.account.limits().give_back(bytes);
            return Err(to_call_error(&error));
        }
        self.account.reserve(bytes);
        Ok(())
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
        self.account.give_back(bytes);
        Ok(())
    }
}
