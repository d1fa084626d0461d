//! An author's type planner behind the contract.

use datafusion_expr::planner::TypePlanner;

use super::PlannerEntry;
use crate::{
    abi::{self, CallError, Parcel, TypePlannerObject, message::FieldsReply},
    df55::{error::to_call_error, parcel::ParcelBuilder, syntax::syntax_from_json},
    sdk::runtime,
};

struct TypePlannerExport(PlannerEntry<dyn TypePlanner>);

pub(super) fn object(entry: PlannerEntry<dyn TypePlanner>) -> TypePlannerObject {
    TypePlannerObject::new(TypePlannerExport(entry))
}

impl abi::TypePlanner for TypePlannerExport {
    fn item(&self) -> &str {
        &self.0.descriptor.name
    }

    fn plan(&self, request: Parcel) -> Result<Parcel, CallError> {
        let _entered = runtime::enter()?;
        let field = syntax_from_json(&request.blob)
            .and_then(|data_type| self.0.planner.plan_type_field(&data_type))
            .map_err(|error| to_call_error(&error))?;
        ParcelBuilder::new().fields(&field).finish(&FieldsReply {})
    }
}
