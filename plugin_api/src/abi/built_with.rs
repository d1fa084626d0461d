//! What this crate was built with and for: the facts that a manifest states.

/// The platform that this crate was built for.
pub const TARGET: &str = env!("DFPLUGIN_TARGET");
/// The compiler, as it names its own version.
pub const RUSTC: &str = env!("DFPLUGIN_RUSTC");
/// `debug` or `release`.
pub const PROFILE: &str = env!("DFPLUGIN_PROFILE");

/// The DataFusion that this crate's code is written for.
pub const DATAFUSION: &str = "55.2.0";
/// The arrow that goes with it.
pub const ARROW: &str = "59.3.2";
/// The sqlparser that goes with it.
pub const SQLPARSER: &str = "0.62.0";
/// The datafusion-ffi that is linked in, empty when none.
pub const DATAFUSION_FFI: &str = "";
