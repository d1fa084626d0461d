//! Numbers for a plugin's scalar functions.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak},
};

use datafusion_expr::ScalarUDF;

use crate::abi::{drop_each, message::FunctionReference};

/// Functions beyond the exports that the table itself keeps alive: those that it was asked for last,
/// so that a host can fetch what a reply mentions.
const RECENT: usize = 256;

/// The scalar functions of a plugin, numbered: those that it exports, then those that only its
/// expressions mention, in the order of their appearance.
///
/// Functions that compare equal have one number. A function that is no export keeps its number as
/// long as a host holds it, and for a while after: a plugin may make a new one for every query, and
/// must not grow by it.
#[derive(Debug)]
pub struct FunctionTable {
    exports: Vec<Arc<ScalarUDF>>,
    functions: RwLock<Functions>,
}

#[derive(Debug, Default)]
struct Functions {
    by_identity: HashMap<u64, Weak<ScalarUDF>>,
    /// By hash, the numbers of functions that have it.
    identities: HashMap<u64, Vec<u64>>,
    recent: VecDeque<Arc<ScalarUDF>>,
    next: u64,
    /// How many entries are too many to go on without a look for dead ones.
    look_at: usize,
}

impl Functions {
    fn find(&self, hash: u64, function: &ScalarUDF) -> Option<(u64, Arc<ScalarUDF>)> {
        let candidates = self.identities.get(&hash)?.iter();
        let alive = candidates
            .filter_map(|identity| Some((*identity, self.by_identity.get(identity)?.upgrade()?)));
        let mut equal = None;
        for (identity, known) in alive {
            // Equal functions may have numbers of their own.
            if Arc::ptr_eq(known.inner(), function.inner()) {
                return Some((identity, known));
            }
            if equal.is_none() && known.as_ref() == function {
                equal = Some((identity, known));
            }
        }
        equal
    }

    /// Keeps `function` alive for a while; what is to be dropped for it, outside of the lock.
    fn keep(&mut self, function: Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
        self.recent.push_back(function);
        (self.recent.len() > RECENT).then(|| self.recent.pop_front())?
    }

    fn number(&mut self, hash: u64, function: &Arc<ScalarUDF>) -> u64 {
        if self.by_identity.len() >= self.look_at.max(2 * RECENT) {
            self.by_identity
                .retain(|_, function| function.strong_count() > 0);
            let alive = &self.by_identity;
            self.identities.retain(|_, identities| {
                identities.retain(|identity| alive.contains_key(identity));
                !identities.is_empty()
            });
            self.look_at = 2 * self.by_identity.len();
        }
        let identity = self.next;
        self.next += 1;
        self.by_identity.insert(identity, Arc::downgrade(function));
        self.identities.entry(hash).or_default().push(identity);
        identity
    }
}

fn hash_of(function: &ScalarUDF) -> u64 {
    let mut hasher = DefaultHasher::new();
    function.hash(&mut hasher);
    hasher.finish()
}

impl Drop for FunctionTable {
    fn drop(&mut self) {
        let functions = self
            .functions
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let recent = std::mem::take(&mut functions.recent);
        drop_each(self.exports.drain(..).chain(recent), |udf| {
            udf.name().to_owned()
        });
    }
}

impl FunctionTable {
    /// Of a plugin's exports, in the order of their positions.
    pub fn new(exports: impl IntoIterator<Item = Arc<ScalarUDF>>) -> Self {
        let exports: Vec<_> = exports.into_iter().collect();
        let mut functions = Functions::default();
        for function in &exports {
            let hash = hash_of(function);
            // The first of equal functions gives them all its number; each takes up its position.
            match functions.find(hash, function) {
                None => {
                    functions.number(hash, function);
                }
                Some(_) => functions.next += 1,
            }
        }
        Self {
            exports,
            functions: RwLock::new(functions),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Functions> {
        self.functions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_export(&self, identity: u64) -> bool {
        usize::try_from(identity).is_ok_and(|position| position < self.exports.len())
    }

    /// The function's number, which it keeps for as long as it is in use.
    pub fn identity(&self, function: &ScalarUDF) -> u64 {
        let hash = hash_of(function);
        let known = self.read().find(hash, function);
        if let Some((identity, _)) = known
            && self.is_export(identity)
        {
            return identity;
        }
        let (identity, dropped) = {
            let mut functions = self
                .functions
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let (identity, function) = functions.find(hash, function).unwrap_or_else(|| {
                let function = Arc::new(function.clone());
                (functions.number(hash, &function), function)
            });
            (identity, functions.keep(function))
        };
        drop(dropped);
        identity
    }

    /// A number of its own for a function that was just made, whatever it compares equal to: an
    /// author's `PartialEq` may look at names alone, which differ from session to session.
    pub fn add(&self, function: &Arc<ScalarUDF>) -> u64 {
        let hash = hash_of(function);
        let mut functions = self
            .functions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        functions.number(hash, function)
    }

    /// The function with a number.
    pub fn get(&self, identity: u64) -> Option<Arc<ScalarUDF>> {
        if self.is_export(identity) {
            return self.exports.get(usize::try_from(identity).ok()?).cloned();
        }
        self.read().by_identity.get(&identity)?.upgrade()
    }

    /// How expressions name the function.
    pub fn reference(&self, function: &ScalarUDF) -> FunctionReference {
        let identity = self.identity(function);
        FunctionReference {
            name: function.name().to_owned(),
            debug: debug_text(function),
            export: usize::try_from(identity)
                .ok()
                .filter(|position| *position < self.exports.len()),
            identity,
            ..FunctionReference::default()
        }
    }

    /// How many functions have a number, those among them that went out of use lately.
    pub fn len(&self) -> usize {
        self.read().by_identity.len()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use arrow::datatypes::DataType;
    use datafusion_common::Result;
    use datafusion_expr::{
        ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    };

    use super::*;

    /// A function made for one constant.
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Prepared(usize, Signature);

    fn prepared(constant: usize) -> ScalarUDF {
        Prepared(constant, Signature::nullary(Volatility::Immutable)).into()
    }

    impl ScalarUDFImpl for Prepared {
        fn name(&self) -> &str {
            "prepared"
        }
        fn signature(&self) -> &Signature {
            &self.1
        }
        fn return_type(&self, _: &[DataType]) -> Result<DataType> {
            Ok(DataType::Null)
        }
        fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
            Ok(args.args[0].clone())
        }
    }

    fn table() -> FunctionTable {
        FunctionTable::new([1, 2, 1].map(|constant| Arc::new(prepared(constant))))
    }

    #[test]
    fn exports_have_their_positions_and_equal_functions_one_number() {
        let table = table();
        assert_eq!(table.identity(&prepared(2)), 1);
        assert_eq!(table.identity(&prepared(1)), 0);
        assert_eq!(*table.get(2).unwrap(), prepared(1));
        let reference = table.reference(&prepared(9));
        assert_eq!((reference.identity, reference.export), (3, None));
        assert_eq!(table.identity(&prepared(9)), 3);
        assert_eq!(*table.get(3).unwrap(), prepared(9));
        assert!(table.get(4).is_none());
    }

    #[test]
    fn functions_that_were_made_have_numbers_of_their_own() {
        let table = table();
        let made = [7, 7, 2].map(|constant| Arc::new(prepared(constant)));
        let identities = made.each_ref().map(|function| table.add(function));
        assert_eq!(identities, [3, 4, 5]);
        for (identity, function) in identities.iter().zip(&made) {
            assert_eq!(table.identity(&ScalarUDF::clone(function)), *identity);
            assert!(Arc::ptr_eq(&table.get(*identity).unwrap(), function));
        }
        assert_eq!(table.identity(&prepared(2)), 1);
    }

    /// A plugin that makes a function per query does not grow, and what a host holds keeps its
    /// number.
    #[test]
    fn functions_out_of_use_are_forgotten() {
        let table = table();
        let held: Vec<_> = (100..200)
            .map(|constant| {
                let identity = table.identity(&prepared(constant));
                (identity, table.get(identity).unwrap())
            })
            .collect();
        for constant in 1000..50_000 {
            let identity = table.identity(&prepared(constant));
            assert_eq!(*table.get(identity).unwrap(), prepared(constant));
        }
        assert!(table.len() < 5 * RECENT, "{} functions", table.len());
        for (constant, (identity, function)) in (100..).zip(&held) {
            assert_eq!(table.identity(&prepared(constant)), *identity);
            assert_eq!(table.get(*identity).as_ref(), Some(function));
        }
        let late = table.identity(&prepared(1000));
        assert!(late > 49_000, "{late}");
        assert_eq!(table.identity(&prepared(2)), 1);
    }
}
