//! An author's relation planner behind the contract.

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_expr::planner::{RelationPlanner, RelationPlanning};

use super::PlannerEntry;
use crate::{
    abi::{
        self, CallError, Parcel, PlanHostObject, Planned, RelationPlannerObject,
        message::RelationReply,
    },
    df55::{
        error::{df, from_call_error},
        planners::PluginContext,
        plans::PlanWriter,
        syntax::{syntax_from_json, syntax_to_text},
    },
    sdk::{
        plans::{Own, declined, objects},
        runtime,
    },
};

struct RelationPlannerExport {
    entry: PlannerEntry<dyn RelationPlanner>,
    own: Own,
}

pub(super) fn object(entry: PlannerEntry<dyn RelationPlanner>, own: Own) -> RelationPlannerObject {
    RelationPlannerObject::new(RelationPlannerExport { entry, own })
}

impl abi::RelationPlanner for RelationPlannerExport {
    fn item(&self) -> &str {
        &self.entry.descriptor.name
    }

    fn plan(
        &self,
        request: Parcel,
        host: PlanHostObject,
    ) -> std::result::Result<Planned, CallError> {
        let _entered = runtime::enter()?;
        df(self.planned(&request, host))
    }
}

impl RelationPlannerExport {
    fn planned(&self, request: &Parcel, host: PlanHostObject) -> Result<Planned> {
        let relation = syntax_from_json(&request.blob)?;
        let host = Arc::new(host);
        let own = self.own.for_call();
        let objects = objects(&host, &own);
        let mut context = PluginContext::new(host, objects.clone());
        let planned = match self.entry.planner.plan_relation(relation, &mut context)? {
            RelationPlanning::Planned(planned) => planned,
            RelationPlanning::Original(_) => {
                return declined::<RelationReply>().map_err(from_call_error);
            }
        };
        let alias = planned.alias.as_ref().map(syntax_to_text).transpose()?;
        let mut writer = PlanWriter::new(&*objects);
        writer.plan(&planned.plan)?;
        let reply = writer.finish(|list| RelationReply {
            planned: Some(list),
            alias,
        })?;
        Ok(own.planned(&self.entry.descriptor.name, reply))
    }
}
