//! A `plugins.lock` of any text is read, or refused with a reason. What is read and written again is the same.
#![no_main]

// The host's reader alone: the host's crate has DataFusion in its tree.
#[allow(dead_code, unused_imports, reason = "the host uses more of it")]
#[path = "../../plugin_host/src"]
mod host {
    pub(crate) mod artifact;
    pub(crate) mod discover;
    pub(crate) mod trust {
        mod grants;
        mod key;
        mod lock;
        mod problem;

        pub use self::{
            grants::Grant,
            key::{KeyId, Signature, signature_path},
            lock::{Lock, LockError},
            problem::TrustProblem,
        };
    }
}

use host::{
    artifact, discover,
    trust::{Lock, Signature},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let lock = match Lock::parse(text, "plugins.lock") {
        Ok(lock) => lock,
        Err(error) => {
            assert!(error.to_string().starts_with("plugins.lock: "));
            return;
        }
    };
    let written = lock.to_string();
    let read = Lock::parse(&written, "plugins.lock").expect("it was written");
    assert_eq!(read, lock);
    assert_eq!(read.to_string(), written);
    for entry in lock.plugins() {
        assert_eq!(lock.plugin(&entry.name), Some(entry));
        assert_eq!(lock.plugin_of_file(entry.file.as_ref()), Some(entry));
        if let Some(signature) = &entry.signature {
            let _ = Signature::parse(signature);
        }
    }
});
