//! A plugin's relation planner.

use std::sync::Arc;

use datafusion::{
    common::Result,
    logical_expr::{
        InvariantLevel,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    },
    sql::sqlparser::ast::TableFactor,
};
use datafusion_plugin_api::{
    abi::{
        Parcel, RelationPlannerObject,
        message::{PlannerDescriptor, RelationReply},
    },
    df55::{
        error::from_call_error,
        parcel::ParcelContent,
        planners::{answer_context, relation_kind},
        plans::{HostObjects, read_plans},
        syntax::{syntax_from_json, syntax_to_json},
    },
};

use super::{Interests, PlanCall, blame, context::plan_with};
use crate::import::origin::Origin;

/// A relation planner of a plugin. One object serves all sessions.
#[derive(Debug)]
pub(crate) struct PluginRelationPlanner {
    origin: Origin,
    object: Arc<RelationPlannerObject>,
    interests: Interests,
}

impl PluginRelationPlanner {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn new(
        origin: Origin,
        object: RelationPlannerObject,
        descriptor: &PlannerDescriptor,
    ) -> Self {
        let interests = Interests::of(descriptor);
        Self {
            origin,
            object: Arc::new(object),
            interests,
        }
    }
}

impl RelationPlanner for PluginRelationPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if !self.interests.has(relation_kind(&relation).name()) {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        let mut request = Parcel::of(&()).map_err(from_call_error)?;
        request.blob = syntax_to_json(&relation)?.into();
        let call = PlanCall::new(&self.origin);
        let mut answers = |question| answer_context(&mut *context, &call.objects, question);
        let begun = self.origin.begin();
        let planned = self.origin.call(|| {
            let objects = Arc::clone(&call.objects);
            plan_with(&self.origin, &self.object, objects, request, &mut answers)
        });
        self.origin.end(begun, 0, 0);
        match self.read(call.reply(planned?), &call.objects) {
            Ok(Some(planned)) => Ok(RelationPlanning::Planned(Box::new(planned))),
            Ok(None) => Ok(RelationPlanning::Original(Box::new(relation))),
            Err(error) => Err(blame(&self.origin, &error)),
        }
    }
}

impl PluginRelationPlanner {
    fn read(&self, reply: Parcel, objects: &HostObjects) -> Result<Option<PlannedRelation>> {
        let reply = ParcelContent::<RelationReply>::read(reply).map_err(from_call_error)?;
        let Some(list) = &reply.message.planned else {
            return Ok(None);
        };
        let plan = read_plans(&reply, list, objects)?.only_plan()?;
        plan.check_invariants(InvariantLevel::Always)?;
        let alias = reply.message.alias.as_ref();
        let alias = alias.map(|alias| syntax_from_json(alias.as_bytes()));
        Ok(Some(PlannedRelation::new(plan, alias.transpose()?)))
    }
}
