//! The scalar functions of an activated plugin, by identity: its exports, and those that come to
//! light later, when a setting changes a function or a rewritten expression mentions another.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion_expr::ScalarUDF;

use super::{plugin::ScalarEntry, scalar::ScalarExport};
use crate::abi::{CallError, Parcel, ScalarFunctionObject};

/// Identities below this are positions of exports.
const FIRST_DERIVED: u64 = 1 << 32;

pub(super) struct Functions {
    exports: Vec<ScalarEntry>,
    /// Kept for the plugin's life: plans of the host may name them at any time. Equal functions
    /// share an entry.
    derived: Mutex<Vec<Arc<ScalarUDF>>>,
}

impl Functions {
    pub(super) fn new(exports: Vec<ScalarEntry>) -> Self {
        Self {
            exports,
            derived: Mutex::default(),
        }
    }

    pub(super) fn exports(&self) -> &[ScalarEntry] {
        &self.exports
    }

    /// The identity of a function; equal functions have one.
    pub(super) fn intern(&self, udf: &Arc<ScalarUDF>) -> u64 {
        if let Some(position) = self.exports.iter().position(|entry| entry.udf == *udf) {
            return position as u64;
        }
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let position = derived
            .iter()
            .position(|known| known == udf)
            .unwrap_or_else(|| {
                derived.push(Arc::clone(udf));
                derived.len() - 1
            });
        FIRST_DERIVED + position as u64
    }

    fn entry(&self, identity: u64) -> Result<ScalarEntry, CallError> {
        let export = usize::try_from(identity)
            .ok()
            .and_then(|position| self.exports.get(position));
        if let Some(entry) = export {
            return Ok(entry.clone());
        }
        let derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        identity
            .checked_sub(FIRST_DERIVED)
            .and_then(|position| derived.get(usize::try_from(position).ok()?))
            .map(|udf| ScalarEntry {
                udf: Arc::clone(udf),
                asynchronous: None,
                reads_settings: None,
            })
            .ok_or_else(|| {
                CallError::contract(format!("no scalar function has identity {identity}"))
            })
    }

    pub(super) fn object_by_identity(
        self: &Arc<Self>,
        identity: u64,
    ) -> Result<ScalarFunctionObject, CallError> {
        let export = ScalarExport::new(self.entry(identity)?, identity, Arc::clone(self));
        Ok(ScalarFunctionObject::new(export))
    }

    /// `udf` as an object.
    pub(super) fn object_of(
        self: &Arc<Self>,
        udf: &Arc<ScalarUDF>,
    ) -> Result<ScalarFunctionObject, CallError> {
        self.object_by_identity(self.intern(udf))
    }

    pub(super) fn simplify(&self, _: &Arc<ScalarUDF>, _: Parcel) -> Result<Parcel, CallError> {
        Parcel::of(&crate::abi::message::SimplifyReply::default())
    }

    pub(super) fn preimage(&self, _: &Arc<ScalarUDF>, _: Parcel) -> Result<Parcel, CallError> {
        Parcel::of(&crate::abi::message::PreimageReply::default())
    }
}
