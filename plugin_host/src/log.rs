//! Placeholder until the bridge lands.
use datafusion_plugin_api::abi::{CallError, HostServices};
pub(crate) struct HostLog(String);
impl HostLog {
    pub(crate) fn new(n: &str) -> Self {
        Self(n.to_owned())
    }
}
pub(crate) fn current_max_level() -> u8 {
    3
}
impl HostServices for HostLog {
    fn item(&self) -> &str {
        &self.0
    }
    fn event(&self, _: abi_stable::std_types::RString) -> Result<(), CallError> {
        Ok(())
    }
    fn open_span(&self, _: abi_stable::std_types::RString) -> Result<u64, CallError> {
        Ok(0)
    }
    fn record_span(&self, _: u64, _: abi_stable::std_types::RString) -> Result<(), CallError> {
        Ok(())
    }
    fn enter_span(&self, _: u64) -> Result<(), CallError> {
        Ok(())
    }
    fn exit_span(&self, _: u64) -> Result<(), CallError> {
        Ok(())
    }
    fn close_span(&self, _: u64) -> Result<(), CallError> {
        Ok(())
    }
}
