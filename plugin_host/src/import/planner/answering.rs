//! Answers to what a plugin asks during a call.

use datafusion_plugin_api::abi::{CallError, Parcel, PhysicalHost, PlanHost};

use crate::threads::answering;

/// The host's side of a call, whose answers do not count against the plugin's limits.
pub(in crate::import) struct Answering<H>(pub(in crate::import) H);

impl<H: PlanHost> PlanHost for Answering<H> {
    fn item(&self) -> &str {
        self.0.item()
    }

    fn ask(&self, request: Parcel) -> Result<Parcel, CallError> {
        answering(|| self.0.ask(request))
    }

    /// As it is: it waits for another thread, or nothing is limited.
    fn context(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.0.context(request)
    }
}

impl<H: PhysicalHost> PhysicalHost for Answering<H> {
    fn item(&self) -> &str {
        self.0.item()
    }

    fn ask(&self, request: Parcel) -> Result<Parcel, CallError> {
        answering(|| self.0.ask(request))
    }

    fn examine(&self, request: Parcel) -> Result<Parcel, CallError> {
        answering(|| self.0.examine(request))
    }
}
