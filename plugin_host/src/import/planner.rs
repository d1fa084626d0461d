//! Planners of a plugin.

mod answering;
mod context;
mod expression;
mod functions;
mod relation;
mod types;

pub(super) use answering::Answering;
pub(crate) use expression::PluginExprPlanner;
pub(super) use functions::PlanCall;
pub(crate) use relation::PluginRelationPlanner;
pub(crate) use types::{PluginTypePlanner, TypePlanners};

use datafusion::common::DataFusionError;
use datafusion_plugin_api::{abi::message::PlannerDescriptor, df55::error::to_call_error};

use super::origin::Origin;

/// The kinds or hooks that a planner is asked about.
#[derive(Debug)]
struct Interests(Option<Vec<String>>);

impl Interests {
    fn of(descriptor: &PlannerDescriptor) -> Self {
        Self(descriptor.interests.clone())
    }

    fn has(&self, name: &str) -> bool {
        let Self(interests) = self;
        interests
            .as_ref()
            .is_none_or(|interests| interests.iter().any(|interest| interest == name))
    }
}

/// An error of what a planner sent, with plugin and planner named.
#[cold]
pub(super) fn blame(origin: &Origin, error: &DataFusionError) -> DataFusionError {
    origin.violation(to_call_error(error))
}
