//! Numbers for a plugin's scalar functions.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use datafusion_expr::ScalarUDF;

use crate::abi::{drop_each, message::FunctionReference};

/// The scalar functions of a plugin, numbered: those that it exports, then those that only its
/// expressions mention, in the order of their appearance.
///
/// Functions that compare equal have one number, so asking for the same function again does not
/// make the table grow.
#[derive(Debug)]
pub struct FunctionTable {
    exports: usize,
    functions: RwLock<Functions>,
}

#[derive(Debug, Default)]
struct Functions {
    by_identity: Vec<Arc<ScalarUDF>>,
    identities: HashMap<Arc<ScalarUDF>, usize>,
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.identities.clear();
        drop_each(self.by_identity.drain(..), |udf| udf.name().to_owned());
    }
}

impl FunctionTable {
    /// Of a plugin's exports, in the order of their positions.
    pub fn new(exports: impl IntoIterator<Item = Arc<ScalarUDF>>) -> Self {
        let by_identity: Vec<_> = exports.into_iter().collect();
        let mut identities = HashMap::with_capacity(by_identity.len());
        for (position, function) in by_identity.iter().enumerate() {
            // The first of equal functions gives them all its number.
            identities.entry(Arc::clone(function)).or_insert(position);
        }
        Self {
            exports: by_identity.len(),
            functions: RwLock::new(Functions {
                by_identity,
                identities,
            }),
        }
    }

    /// The function's number, which it keeps for the table's life.
    pub fn identity(&self, function: &ScalarUDF) -> u64 {
        let known = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .identities
            .get(function)
            .copied();
        let identity = known.unwrap_or_else(|| {
            let mut functions = self
                .functions
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(identity) = functions.identities.get(function) {
                return *identity;
            }
            let identity = functions.by_identity.len();
            let function = Arc::new(function.clone());
            functions.by_identity.push(Arc::clone(&function));
            functions.identities.insert(function, identity);
            identity
        });
        identity as u64
    }

    /// The function with a number.
    pub fn get(&self, identity: u64) -> Option<Arc<ScalarUDF>> {
        let functions = self
            .functions
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        functions
            .by_identity
            .get(usize::try_from(identity).ok()?)
            .cloned()
    }

    /// How expressions name the function.
    pub fn reference(&self, function: &ScalarUDF) -> FunctionReference {
        let identity = self.identity(function);
        FunctionReference {
            name: function.name().to_owned(),
            debug: debug_text(function),
            export: usize::try_from(identity)
                .ok()
                .filter(|position| *position < self.exports),
            identity,
        }
    }

    /// How many functions have a number.
    pub fn len(&self) -> usize {
        self.functions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_identity
            .len()
    }

    /// Whether no function has a number.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The text by which two copies of one function recognise each other.
pub fn debug_text(function: &ScalarUDF) -> String {
    format!("{:?}", function.inner())
}
