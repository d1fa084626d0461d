//! The plugin's objects of a call, and its stand-ins for the host's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::{
    AggregateUDF, Expr, Extension, LogicalPlan, ScalarUDF, TableSource, TableType, WindowUDF,
};

use super::{
    foreign::{
        Foreign, ForeignAggregate, ForeignNode, ForeignScalar, ForeignSource, ForeignWindow,
        descriptor,
    },
    objects::{Arriving, HeldNode, Leaving, ScannedSource, Travelling, Types},
};
use crate::{
    abi::{
        CallError, Parcel,
        message::{FunctionReference, Handle, SourceReference, TableKind},
    },
    df55::{
        error::from_call_error, expressions::breach, plan_properties::constraints_from_message,
    },
};

/// Answers [`PlanQuestion`](crate::abi::message::PlanQuestion)s.
pub trait HostConnection: Send + Sync {
    /// Asks the host.
    ///
    /// # Errors
    /// The host's.
    fn ask(&self, request: Parcel) -> std::result::Result<Parcel, CallError>;
}

/// What a plugin has of its own.
pub trait OwnFunctions: Send + Sync {
    /// How the host is told of a scalar function.
    fn scalar_reference(&self, function: &ScalarUDF) -> FunctionReference;
    /// How the host is told of an aggregate function.
    fn aggregate_reference(&self, function: &Arc<AggregateUDF>) -> FunctionReference;
    /// How the host is told of a window function.
    fn window_reference(&self, function: &Arc<WindowUDF>) -> FunctionReference;
    /// The scalar function that the host names.
    fn scalar(&self, reference: &FunctionReference) -> Option<Arc<ScalarUDF>>;
    /// The aggregate function that the host names.
    fn aggregate(&self, reference: &FunctionReference) -> Option<Arc<AggregateUDF>>;
    /// The window function that the host names.
    fn window(&self, reference: &FunctionReference) -> Option<Arc<WindowUDF>>;
    /// A number under which the host gets a table of the plugin's, if it can.
    fn source(&self, source: &Arc<dyn TableSource>) -> Option<u64>;
}

/// The plugin's side of one call. Clones are the same.
#[derive(Clone)]
pub struct PluginObjects(Arc<Inner>);

struct Inner {
    host: Arc<dyn HostConnection>,
    own: Arc<dyn OwnFunctions>,
    /// Extension nodes of the plugin's that the host was lent.
    nodes: Mutex<Vec<LogicalPlan>>,
    /// Of a call that makes a function: the host's number for it.
    creation: Option<u64>,
}

impl PluginObjects {
    /// Of a call in which `host` answers.
    pub fn new(host: Arc<dyn HostConnection>, own: Arc<dyn OwnFunctions>) -> Self {
        Self::with(host, own, None)
    }

    /// Of a call that makes a function, which may keep what it is lent.
    pub fn of_creation(
        host: Arc<dyn HostConnection>,
        own: Arc<dyn OwnFunctions>,
        creation: u64,
    ) -> Self {
        Self::with(host, own, Some(creation))
    }

    fn with(
        host: Arc<dyn HostConnection>,
        own: Arc<dyn OwnFunctions>,
        creation: Option<u64>,
    ) -> Self {
        Self(Arc::new(Inner {
            host,
            own,
            nodes: Mutex::default(),
            creation,
        }))
    }

    /// Lets go of what the host was lent, which may hold what the host lent, and so these objects.
    pub(crate) fn end(&self) {
        let nodes = std::mem::take(&mut *self.nodes());
        drop(nodes);
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<LogicalPlan>> {
        self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn host(&self) -> &dyn HostConnection {
        self.0.host.as_ref()
    }

    pub(super) fn same_call(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    fn foreign(&self, number: u64) -> Foreign {
        Foreign {
            objects: self.clone(),
            number,
        }
    }

    /// The handle of an object that the host lent.
    fn returned(&self, foreign: &Foreign, what: &str) -> Result<Handle> {
        if !self.same_call(&foreign.objects) {
            return Err(breach(format!(
                "{what} is of another call, whose handles are gone"
            )));
        }
        Ok(Handle::Returned(foreign.number))
    }
}

/// How the host is told, after the call, of a function that it lent to one that makes functions.
#[cfg(feature = "simplify")]
pub(in crate::df55) fn reference_to_lent(function: &ScalarUDF) -> Option<FunctionReference> {
    let known = function.inner().downcast_ref::<ForeignScalar>()?;
    Some(FunctionReference {
        name: function.name().to_owned(),
        handle: Some(Handle::Returned(known.foreign.number)),
        creation: Some(known.foreign.objects.0.creation?),
        ..FunctionReference::default()
    })
}

fn lent(handle: Option<Handle>, what: &str) -> Result<u64> {
    match handle {
        Some(Handle::Lent(number)) => Ok(number),
        other => Err(breach(format!("{what} with the handle {other:?}"))),
    }
}

impl Leaving for PluginObjects {
    fn describes(&self) -> bool {
        false
    }

    fn scalar(&self, function: &ScalarUDF) -> Result<Travelling> {
        match function.inner().downcast_ref::<ForeignScalar>() {
            Some(known) => Ok(Travelling::Handle(
                self.returned(&known.foreign, function.name())?,
            )),
            None => Ok(Travelling::Reference(self.0.own.scalar_reference(function))),
        }
    }

    fn aggregate(&self, function: &Arc<AggregateUDF>) -> Result<Travelling> {
        match function.inner().downcast_ref::<ForeignAggregate>() {
            Some(known) => Ok(Travelling::Handle(
                self.returned(&known.foreign, function.name())?,
            )),
            None => Ok(Travelling::Reference(
                self.0.own.aggregate_reference(function),
            )),
        }
    }

    fn window(&self, function: &Arc<WindowUDF>) -> Result<Travelling> {
        match function.inner().downcast_ref::<ForeignWindow>() {
            Some(known) => Ok(Travelling::Handle(
                self.returned(&known.foreign, function.name())?,
            )),
            None => Ok(Travelling::Reference(self.0.own.window_reference(function))),
        }
    }

    fn source(&self, scanned: ScannedSource) -> Result<Handle> {
        if let Some(known) = scanned.source.downcast_ref::<ForeignSource>() {
            return self.returned(&known.foreign, "a table");
        }
        match self.0.own.source(&scanned.source) {
            Some(number) => Ok(Handle::Lent(number)),
            None => not_impl_err!(
                "a table source that wraps no table provider cannot cross to the host"
            ),
        }
    }

    fn node(&self, plan: &LogicalPlan) -> Result<Handle> {
        let LogicalPlan::Extension(Extension { node }) = plan else {
            return not_impl_err!("'{}' cannot cross to the host", plan.display());
        };
        if let Some(known) = node.as_any().downcast_ref::<ForeignNode>() {
            if known.call != self.address() {
                return Err(breach(format!(
                    "'{}' is of another call, whose handles are gone",
                    plan.display()
                )));
            }
            return Ok(Handle::Returned(known.number));
        }
        let mut nodes = self.nodes();
        nodes.push(plan.clone());
        Ok(Handle::Lent(nodes.len() as u64 - 1))
    }

    fn keep(&self, _: &Expr, _: FieldRef) -> Option<Arc<ScalarUDF>> {
        None
    }
}

impl Arriving for PluginObjects {
    fn scalar(&self, reference: &FunctionReference, types: Types<'_>) -> Result<Arc<ScalarUDF>> {
        if reference.handle.is_none()
            && let Some(own) = self.0.own.scalar(reference)
        {
            return Ok(own);
        }
        let number = lent(reference.handle, &reference.name)?;
        let field = reference.field.map(|field| {
            let field = types.fields.get(field).cloned();
            field.ok_or_else(|| breach("a field that was not sent".to_owned()))
        });
        let function = ForeignScalar {
            foreign: self.foreign(number),
            described: descriptor::read(reference, types)?,
            field: field.transpose()?,
        };
        Ok(Arc::new(function.into()))
    }

    fn aggregate(
        &self,
        reference: &FunctionReference,
        types: Types<'_>,
    ) -> Result<Arc<AggregateUDF>> {
        if reference.handle.is_none()
            && let Some(own) = self.0.own.aggregate(reference)
        {
            return Ok(own);
        }
        let number = lent(reference.handle, &reference.name)?;
        let function = ForeignAggregate {
            foreign: self.foreign(number),
            described: descriptor::read(reference, types)?,
        };
        Ok(Arc::new(function.into()))
    }

    fn window(&self, reference: &FunctionReference, types: Types<'_>) -> Result<Arc<WindowUDF>> {
        if reference.handle.is_none()
            && let Some(own) = self.0.own.window(reference)
        {
            return Ok(own);
        }
        let number = lent(reference.handle, &reference.name)?;
        let function = ForeignWindow {
            foreign: self.foreign(number),
            described: descriptor::read(reference, types)?,
        };
        Ok(Arc::new(function.into()))
    }

    fn source(
        &self,
        reference: &SourceReference,
        schema: Option<SchemaRef>,
    ) -> Result<ScannedSource> {
        let number = lent(Some(reference.handle), "a table")?;
        let schema = schema.unwrap_or_else(|| Arc::new(Schema::empty()));
        let constraints = reference.constraints.as_ref();
        let constraints = constraints.map(|keys| constraints_from_message(keys, &schema));
        let source = ForeignSource {
            foreign: self.foreign(number),
            table_type: match reference.kind {
                TableKind::View => TableType::View,
                TableKind::Temporary => TableType::Temporary,
                _ => TableType::Base,
            },
            constraints: constraints.transpose().map_err(from_call_error)?,
            view: reference.view,
            schema,
        };
        Ok(ScannedSource {
            source: Arc::new(source),
            requests: Default::default(),
        })
    }

    fn node(&self, node: HeldNode) -> Result<LogicalPlan> {
        match node.handle {
            Handle::Lent(number) => Ok(LogicalPlan::Extension(Extension {
                node: Arc::new(ForeignNode::new(self.address(), number, node)),
            })),
            Handle::Returned(number) => {
                let nodes = self.nodes();
                let own = usize::try_from(number).ok().and_then(|n| nodes.get(n));
                let own = own.cloned();
                drop(nodes);
                own.ok_or_else(|| breach(format!("the unknown node {number}")))?
                    .with_new_exprs(node.exprs, node.inputs)
            }
        }
    }

    fn kept(&self, _: &ScalarUDF) -> Option<Expr> {
        None
    }
}
