//! A plugin library of any bytes is read, or refused with a reason.
#![no_main]

// The host's reader alone: the host's crate has DataFusion in its tree.
#[allow(dead_code, unused_imports, reason = "the host uses more of it")]
#[path = "../../plugin_host/src"]
mod host {
    pub(crate) mod artifact;
}

use host::artifact;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match artifact::Artifact::from_bytes(bytes) {
        Ok(artifact) => assert!(!artifact.manifest().name.is_empty()),
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
});
