//! The host's objects of a call, and its answers to what the plugin asks of them.

mod answers;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::{FieldRef, SchemaRef};
use datafusion_common::Result;
use datafusion_expr::{
    AggregateUDF, Expr, Extension, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};

use super::{
    foreign::{ForeignNode, KeptExpr},
    objects::{Arriving, HeldNode, Leaving, ScannedSource, Travelling, Types},
};
use crate::{
    abi::{
        self, CallError, Parcel,
        message::{FunctionReference, Handle, SourceReference},
    },
    df55::expressions::breach,
};

/// What the host knows of the plugin that it deals with.
pub trait PluginFunctions: Send + Sync {
    /// How the plugin knows a scalar function, if it is the plugin's.
    fn scalar_reference(&self, function: &ScalarUDF) -> Option<FunctionReference>;
    /// How the plugin knows an aggregate function, if it is the plugin's.
    fn aggregate_reference(&self, function: &AggregateUDF) -> Option<FunctionReference>;
    /// How the plugin knows a window function, if it is the plugin's.
    fn window_reference(&self, function: &WindowUDF) -> Option<FunctionReference>;
    /// The host's function for one that the plugin names: an export, a built-in, or one that only
    /// the plugin has.
    ///
    /// # Errors
    /// When the plugin does not hand it out.
    fn scalar(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>>;
    /// As [`Self::scalar`].
    ///
    /// # Errors
    /// When the plugin does not hand it out.
    fn aggregate(&self, reference: &FunctionReference) -> Result<Arc<AggregateUDF>>;
    /// As [`Self::scalar`].
    ///
    /// # Errors
    /// When the plugin does not hand it out.
    fn window(&self, reference: &FunctionReference) -> Result<Arc<WindowUDF>>;
    /// A table of the plugin's.
    ///
    /// # Errors
    /// When the plugin does not hand it out.
    fn source(&self, number: u64) -> Result<Arc<dyn TableSource>>;
}

/// The host's side of one call: what the plugin was lent, by number.
pub struct HostObjects {
    plugin: Box<dyn PluginFunctions>,
    lent: Mutex<Lent>,
}

#[derive(Default)]
struct Lent {
    scalars: Vec<ScalarUDF>,
    aggregates: Vec<Arc<AggregateUDF>>,
    windows: Vec<Arc<WindowUDF>>,
    sources: Vec<ScannedSource>,
    /// With whether they came back.
    nodes: Vec<(LogicalPlan, bool)>,
}

impl HostObjects {
    /// Nothing lent yet.
    pub fn new(plugin: impl PluginFunctions + 'static) -> Arc<Self> {
        Arc::new(Self {
            plugin: Box::new(plugin),
            lent: Mutex::default(),
        })
    }

    fn lent(&self) -> MutexGuard<'_, Lent> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scalar function that comes back under `handle`.
    ///
    /// # Errors
    /// A breach of the contract for an unknown handle.
    pub fn lent_scalar(&self, handle: Handle) -> Result<Arc<ScalarUDF>> {
        returned(&self.lent().scalars, handle, "a scalar function").map(Arc::new)
    }
}

/// [`HostObjects`] that a plugin can ask.
pub struct HostPlans(pub Arc<HostObjects>);

impl abi::PlanHost for HostPlans {
    fn item(&self) -> &str {
        ""
    }

    fn ask(&self, request: Parcel) -> std::result::Result<Parcel, CallError> {
        self.0.answer(request)
    }

    fn context(&self, _: Parcel) -> std::result::Result<Parcel, CallError> {
        Err(CallError::contract("only planners have a context to ask"))
    }
}

fn number_of<T: PartialEq + Clone>(list: &mut Vec<T>, item: &T) -> Travelling {
    let known = list.iter().position(|known| known == item);
    let number = known.unwrap_or_else(|| {
        list.push(item.clone());
        list.len() - 1
    });
    Travelling::Handle(Handle::Lent(number as u64))
}

fn returned<T: Clone>(list: &[T], handle: Handle, what: &str) -> Result<T> {
    let Handle::Returned(number) = handle else {
        return Err(breach(format!("{what} under the handle {handle:?}")));
    };
    let known = usize::try_from(number).ok().and_then(|n| list.get(n));
    known.cloned().ok_or_else(|| {
        breach(format!(
            "the unknown handle {number} of {what}: {} were lent",
            list.len()
        ))
    })
}

impl Leaving for HostObjects {
    fn describes(&self) -> bool {
        true
    }

    fn scalar(&self, function: &ScalarUDF) -> Result<Travelling> {
        Ok(match self.plugin.scalar_reference(function) {
            Some(reference) => Travelling::Reference(reference),
            None => number_of(&mut self.lent().scalars, function),
        })
    }

    fn aggregate(&self, function: &Arc<AggregateUDF>) -> Result<Travelling> {
        Ok(match self.plugin.aggregate_reference(function) {
            Some(reference) => Travelling::Reference(reference),
            None => number_of(&mut self.lent().aggregates, function),
        })
    }

    fn window(&self, function: &Arc<WindowUDF>) -> Result<Travelling> {
        Ok(match self.plugin.window_reference(function) {
            Some(reference) => Travelling::Reference(reference),
            None => number_of(&mut self.lent().windows, function),
        })
    }

    fn source(&self, scanned: ScannedSource) -> Result<Handle> {
        let mut lent = self.lent();
        let known = lent.sources.iter().position(|known| {
            Arc::ptr_eq(&known.source, &scanned.source) && known.requests == scanned.requests
        });
        let number = known.unwrap_or_else(|| {
            lent.sources.push(scanned);
            lent.sources.len() - 1
        });
        Ok(Handle::Lent(number as u64))
    }

    fn node(&self, plan: &LogicalPlan) -> Result<Handle> {
        let mut lent = self.lent();
        lent.nodes.push((plan.clone(), false));
        Ok(Handle::Lent(lent.nodes.len() as u64 - 1))
    }

    fn keep(&self, expr: &Expr, field: FieldRef) -> Option<Arc<ScalarUDF>> {
        Some(Arc::new(KeptExpr::new(expr.clone(), field).into()))
    }
}

impl Arriving for HostObjects {
    fn scalar(&self, reference: &FunctionReference, _: Types<'_>) -> Result<Arc<ScalarUDF>> {
        match reference.handle {
            Some(handle) => self.lent_scalar(handle),
            None => self.plugin.scalar(reference),
        }
    }

    fn aggregate(&self, reference: &FunctionReference, _: Types<'_>) -> Result<Arc<AggregateUDF>> {
        match reference.handle {
            Some(handle) => returned(&self.lent().aggregates, handle, "an aggregate function"),
            None => self.plugin.aggregate(reference),
        }
    }

    fn window(&self, reference: &FunctionReference, _: Types<'_>) -> Result<Arc<WindowUDF>> {
        match reference.handle {
            Some(handle) => returned(&self.lent().windows, handle, "a window function"),
            None => self.plugin.window(reference),
        }
    }

    fn source(&self, reference: &SourceReference, _: Option<SchemaRef>) -> Result<ScannedSource> {
        match reference.handle {
            Handle::Lent(number) => Ok(ScannedSource {
                source: self.plugin.source(number)?,
                requests: Default::default(),
            }),
            handle => returned(&self.lent().sources, handle, "a table"),
        }
    }

    fn node(&self, node: HeldNode) -> Result<LogicalPlan> {
        let handle = node.handle;
        if let Handle::Lent(number) = handle {
            return Ok(LogicalPlan::Extension(Extension {
                node: Arc::new(ForeignNode::new(0, number, node)),
            }));
        }
        let mut lent = self.lent();
        let (plan, used) = returned(&lent.nodes, handle, "a node")?;
        if used {
            return Err(breach(format!("'{}' came back twice", plan.display())));
        }
        if let Handle::Returned(number) = handle
            && let Some((_, used)) = usize::try_from(number)
                .ok()
                .and_then(|number| lent.nodes.get_mut(number))
        {
            *used = true;
        }
        drop(lent);
        let same_inputs = plan.inputs().into_iter().eq(node.inputs.iter());
        if same_inputs && plan.expressions() == node.exprs {
            return Ok(plan);
        }
        plan.with_new_exprs(node.exprs, node.inputs)
    }

    fn kept(&self, function: &ScalarUDF) -> Option<Expr> {
        let kept = function.inner().downcast_ref::<KeptExpr>()?;
        Some(kept.expr.clone())
    }
}
