//! A manifest of any bytes is read, or refused with a reason.
#![no_main]

use datafusion_plugin_api::abi::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Manifest::parse(bytes) {
        Ok(manifest) => assert!(!manifest.name.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
