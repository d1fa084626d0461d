//! Keys and signatures of any text are read, or refused with a reason, and vouch for one content at most. The first
//! line is the key, the rest the signature.
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
            key::{KeyId, PublicKey, Signature, signature_path},
            lock::LockError,
            problem::TrustProblem,
        };
    }
}

use host::{
    artifact, discover,
    trust::{PublicKey, Signature},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (key, text) = text.split_once('\n').unwrap_or((text, ""));
    let key = PublicKey::parse(key).inspect_err(|problem| {
        assert!(problem.to_string().contains("minisign public key"));
    });
    let signature = match Signature::parse(text) {
        Ok(signature) => signature,
        Err(problem) => {
            assert!(!problem.is_empty());
            return;
        }
    };
    assert_eq!(signature.text(), text);
    assert!(signature.verify(&[], &b"test"[..]).is_err());
    let Ok(key) = key else { return };
    let keys = [key];
    // The content that the seed's signature is of.
    match signature.verify(&keys, &b"test"[..]) {
        Ok(by) => {
            assert_eq!((by, by), (keys[0].id(), signature.key_id()));
            assert!(signature.verify(&keys, &b"tesT"[..]).is_err());
        }
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
});
