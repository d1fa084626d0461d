//! Plugins' type planners.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::FieldRef, common::Result, logical_expr::planner::TypePlanner,
    sql::sqlparser::ast::DataType,
};
use datafusion_plugin_api::{
    abi::{Parcel, TypePlannerObject, message::FieldsReply},
    df55::{error::from_call_error, parcel::ParcelContent, syntax::syntax_to_json},
};

use crate::import::{composed::Composed, origin::Origin};

/// A type planner of a plugin.
#[derive(Debug)]
pub(crate) struct PluginTypePlanner {
    origin: Origin,
    object: Arc<TypePlannerObject>,
}

impl PluginTypePlanner {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn new(origin: Origin, object: TypePlannerObject) -> Self {
        let object = Arc::new(object);
        Self { origin, object }
    }

    fn field(&self, data_type: &DataType) -> Result<Option<FieldRef>> {
        let mut request = Parcel::of(&()).map_err(from_call_error)?;
        request.blob = syntax_to_json(data_type)?.into();
        let begun = self.origin.begin();
        let reply = self.origin.call(|| {
            let reply = self
                .origin
                .plan(&self.object, TypePlannerObject::plan, request)?;
            ParcelContent::<FieldsReply>::read(reply)
        });
        self.origin.end(begun, 0, 0);
        Ok(reply?.fields.pop())
    }
}

/// What stands in DataFusion's one slot: plugins' planners in order, then what the session had.
#[derive(Debug)]
pub(crate) struct TypePlanners {
    plugins: Vec<Arc<PluginTypePlanner>>,
    last: Option<Arc<dyn TypePlanner>>,
}

static KNOWN: Composed<TypePlanners> = Composed::new();

impl TypePlanners {
    /// The planners of `slot`, if they are of this kind.
    pub(crate) fn of(slot: &Arc<dyn TypePlanner>) -> Option<Arc<Self>> {
        KNOWN.find(slot)
    }

    /// A slot with each planner's successor in its place, or without it where there is none.
    pub(crate) fn exchanged(
        slot: Arc<dyn TypePlanner>,
        successor: impl Fn(&Arc<PluginTypePlanner>) -> Option<Arc<PluginTypePlanner>>,
    ) -> Option<Arc<dyn TypePlanner>> {
        let Some(composed) = Self::of(&slot) else {
            return Some(slot);
        };
        let kept: Vec<_> = composed.plugins.iter().filter_map(successor).collect();
        let last = composed.last.clone();
        match kept.is_empty() {
            true => last,
            false => Some(Self::before(kept, last)),
        }
    }

    pub(crate) fn has(&self, planner: &Arc<PluginTypePlanner>) -> bool {
        self.plugins.iter().any(|known| Arc::ptr_eq(known, planner))
    }

    /// `planners` before what is in `slot`.
    pub(crate) fn before(
        planners: Vec<Arc<PluginTypePlanner>>,
        slot: Option<Arc<dyn TypePlanner>>,
    ) -> Arc<dyn TypePlanner> {
        let composed = match slot.as_ref().and_then(Self::of) {
            Some(earlier) => Self {
                plugins: planners
                    .into_iter()
                    .chain(earlier.plugins.clone())
                    .collect(),
                last: earlier.last.clone(),
            },
            None => Self {
                plugins: planners,
                last: slot,
            },
        };
        KNOWN.add(composed)
    }
}

impl TypePlanner for TypePlanners {
    fn plan_type_field(&self, data_type: &DataType) -> Result<Option<FieldRef>> {
        for planner in &self.plugins {
            if let Some(field) = planner.field(data_type)? {
                return Ok(Some(field));
            }
        }
        match &self.last {
            Some(last) => last.plan_type_field(data_type),
            None => Ok(None),
        }
    }
}
