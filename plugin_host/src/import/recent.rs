//! What was bound lately, found again by value.

use std::sync::Arc;

use arc_swap::ArcSwap;
use datafusion::{arrow::datatypes::FieldRef, physical_expr::PhysicalExpr};

/// Entries kept.
const KEPT: usize = 32;

/// Values made lately, newest first. Readers take no lock.
#[derive(Debug)]
pub(crate) struct Recent<T>(ArcSwap<Vec<Arc<T>>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(ArcSwap::default())
    }
}

impl<T> Recent<T> {
    /// The value that `fits`, made by `make` and kept when there is none.
    pub(crate) fn find_or<E>(
        &self,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(known) = self.0.load().iter().find(|known| fits(known)) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make()?);
        self.0.rcu(|known| {
            let mut next = Vec::with_capacity(KEPT);
            next.push(Arc::clone(&made));
            next.extend(known.iter().take(KEPT - 1).cloned());
            next
        });
        Ok(made)
    }
}

/// Whether two lists of fields are equal; the same objects are without a look inside.
pub(crate) fn same_fields(a: &[FieldRef], b: &[FieldRef]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| Arc::ptr_eq(a, b) || a.as_ref() == b.as_ref())
}

/// Whether two lists of expressions are equal; the same objects are without a look inside.
pub(crate) fn same_expressions(a: &[Arc<dyn PhysicalExpr>], b: &[Arc<dyn PhysicalExpr>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_expression(a, b))
}

/// Whether two expressions are equal.
pub(crate) fn same_expression(a: &Arc<dyn PhysicalExpr>, b: &Arc<dyn PhysicalExpr>) -> bool {
    Arc::ptr_eq(a, b) || a.as_ref() == b.as_ref()
}
