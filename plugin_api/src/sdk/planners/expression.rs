//! An author's expression planner behind the contract.

use std::sync::Arc;

use datafusion_common::{DFSchema, Result};
use datafusion_expr::planner::ExprPlanner;

use super::{PlannerEntry, hooks};
use crate::{
    abi::{
        self, CallError, ExpressionPlannerObject, Parcel, PlanHostObject, Planned,
        message::{ExpressionHookReply, ExpressionHookRequest},
    },
    df55::{
        error::{df, from_call_error},
        parcel::ParcelContent,
        plans::{PlanWriter, read_plans},
    },
    sdk::{
        plans::{Own, declined, objects},
        runtime,
    },
};

struct ExpressionPlannerExport {
    entry: PlannerEntry<dyn ExprPlanner>,
    own: Own,
}

pub(super) fn object(entry: PlannerEntry<dyn ExprPlanner>, own: Own) -> ExpressionPlannerObject {
    ExpressionPlannerObject::new(ExpressionPlannerExport { entry, own })
}

impl abi::ExpressionPlanner for ExpressionPlannerExport {
    fn item(&self) -> &str {
        &self.entry.descriptor.name
    }

    fn plan(
        &self,
        request: Parcel,
        host: PlanHostObject,
    ) -> std::result::Result<Planned, CallError> {
        let _entered = runtime::enter()?;
        df(self.planned(request, host))
    }
}

impl ExpressionPlannerExport {
    fn planned(&self, request: Parcel, host: PlanHostObject) -> Result<Planned> {
        let content = ParcelContent::<ExpressionHookRequest>::read_signature(request)
            .map_err(from_call_error)?;
        let own = self.own.for_call();
        let objects = objects(&Arc::new(host), &own);
        let read = read_plans(&content, &content.message.list, &*objects)?;
        let hook = &content.message.hook;
        let Some(planned) = hooks::plan(self.entry.planner.as_ref(), hook, read)? else {
            return declined::<ExpressionHookReply>().map_err(from_call_error);
        };
        let mut writer = PlanWriter::new(&*objects);
        writer.exprs([&planned], &DFSchema::empty())?;
        let reply = writer.finish(|list| ExpressionHookReply {
            planned: Some(list),
        })?;
        Ok(own.planned(&self.entry.descriptor.name, reply))
    }
}
