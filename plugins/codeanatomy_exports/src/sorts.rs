//! A physical rule: rows are not sorted that are in that order already.

use std::sync::Arc;

use datafusion_common::{
    Result,
    config::ConfigOptions,
    tree_node::{Transformed, TransformedResult, TreeNode},
};
use datafusion_physical_plan::{ExecutionPlan, ExecutionPlanProperties, sorts::sort::SortExec};
use datafusion_session::PhysicalOptimizerRule;

use crate::Options;

/// Takes out sorts whose input says that it is in the order wanted, such as a sort of what is sorted by the same
/// columns already, where the option `remove_redundant_sorts` says so. `python_syntax` says nothing of order: its
/// files are shared among partitions by size.
#[derive(Debug)]
pub struct RedundantSorts {
    options: Options,
}

impl RedundantSorts {
    /// With the options of the plugin's activation; a session's own come before them.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
        }
    }
}

impl PhysicalOptimizerRule for RedundantSorts {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !self.options.of(config).remove_redundant_sorts {
            return Ok(plan);
        }
        plan.transform_up(|node| match redundant(&node)? {
            true => Ok(Transformed::yes(Arc::clone(node.children()[0]))),
            false => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "redundant_sorts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A sort without a limit that keeps the partitions that there are, of rows that are in order.
fn redundant(node: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let Some(sort) = node.downcast_ref::<SortExec>() else {
        return Ok(false);
    };
    let input = sort.input();
    let keeps = sort.preserve_partitioning() || input.output_partitioning().partition_count() == 1;
    if sort.fetch().is_some() || !keeps {
        return Ok(false);
    }
    let properties = input.equivalence_properties();
    properties.ordering_satisfy(sort.expr().iter().cloned())
}
