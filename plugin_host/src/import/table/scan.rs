//! A plugin's scan as a leaf of the host's plan.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use datafusion::{
    arrow::datatypes::SchemaRef,
    common::{
        Result, Statistics, config::ConfigOptions, internal_err, tree_node::TreeNodeRecursion,
    },
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{PhysicalExpr, expressions::Column},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, metrics::MetricsSet,
        projection::ProjectionExec, statistics::StatisticsArgs,
    },
};
use datafusion_plugin_api::abi::message::Alteration;

use super::planned::Planned;

/// One leaf; the plugin plans and runs what is below it.
#[derive(Debug)]
pub(crate) struct PluginScanExec {
    planned: Planned,
    /// Of all partitions; planning asks often.
    statistics: OnceLock<Arc<Statistics>>,
}

impl PluginScanExec {
    pub(super) fn new(planned: Planned) -> Self {
        Self {
            planned,
            statistics: OnceLock::new(),
        }
    }

    fn altered(&self, alteration: &Alteration) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let altered = self.planned.altered(alteration)?;
        Ok(altered.map(|planned| Arc::new(Self::new(planned)) as _))
    }
}

impl DisplayAs for PluginScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.planned.line("PluginScanExec"))
    }
}

impl ExecutionPlan for PluginScanExec {
    fn name(&self) -> &str {
        "PluginScanExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(self.planned.schema())
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.planned.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            Ok(self)
        } else {
            internal_err!("a plugin's scan has no children")
        }
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        _: &ConfigOptions,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        self.altered(&Alteration::Repartition(target_partitions))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.planned.execute(partition, &context, None)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.planned.metrics())
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        if args.partition().is_some() {
            return self.planned.statistics(args.partition());
        }
        if let Some(known) = self.statistics.get() {
            return Ok(Arc::clone(known));
        }
        let statistics = self.planned.statistics(None)?;
        Ok(Arc::clone(self.statistics.get_or_init(|| statistics)))
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        // No error can be returned here; the limit stays above the scan then.
        self.altered(&Alteration::Fetch(limit))
            .unwrap_or_else(|error| {
                self.planned.origin.tell(&error);
                None
            })
    }

    fn fetch(&self) -> Option<usize> {
        self.planned.descriptor.fetch
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let columns = projection.expr().iter().map(|projected| {
            let column = projected.expr.downcast_ref::<Column>()?;
            Some((column.index(), projected.alias.clone()))
        });
        let Some(columns) = columns.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let Some(planned) = self.planned.altered(&Alteration::Project(columns))? else {
            return Ok(None);
        };
        planned.expect_fields(&projection.schema())?;
        Ok(Some(Arc::new(Self::new(planned))))
    }
}
