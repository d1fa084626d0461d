//! A plan of the plugin's: what it promises, and its altered forms.

use std::sync::Arc;

use abi_stable::std_types::ROption;
use datafusion::{
    arrow::datatypes::{Schema, SchemaRef},
    common::{Result, Statistics, config::ConfigOptions},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::PhysicalExpr,
    physical_plan::{
        PlanProperties,
        coop::make_cooperative,
        execution_plan::SchedulingType,
        metrics::{ExecutionPlanMetricsSet, MetricsSet},
    },
    prelude::SessionConfig,
};
use datafusion_plugin_api::{
    abi::{
        InputObject, MemoryPoolObject, Parcel, ScanObject,
        message::{Alteration, ScanDescriptor, ScanMetrics, TableStatistics},
    },
    df55::{
        expressions::physical_expressions,
        metrics::metrics_from_messages,
        parcel::ParcelContent,
        plan_properties::{Operands, properties_from_message},
        statistics::statistics_from_message,
    },
};

use super::{
    memory::HostMemoryPool,
    stream::{Crossing, PluginStream},
};
use crate::import::{disposed::Disposed, origin::Origin, scalar::builtins};

#[derive(Debug)]
pub(super) struct Planned {
    pub(super) origin: Origin,
    pub(super) descriptor: ScanDescriptor,
    pub(super) properties: Arc<PlanProperties>,
    /// The session's settings, which functions in expressions carry.
    options: Arc<ConfigOptions>,
    scan: Arc<Disposed<ScanObject>>,
    /// What the host counts of this plan's streams.
    crossing: ExecutionPlanMetricsSet,
}

impl Planned {
    /// Takes in a plan.
    pub(super) fn new(
        origin: Origin,
        scan: ScanObject,
        options: Arc<ConfigOptions>,
    ) -> Result<Self> {
        let scan = Arc::new(Disposed::new(origin.plugin(), scan));
        let describe = || {
            let reply = origin.plan(&scan, |scan, ()| scan.get()?.describe(), ())?;
            ParcelContent::<ScanDescriptor>::read(reply)
        };
        let content = origin.call(describe)?;
        let schema = content.schema();
        let expressions = expressions(&content, &schema, &options)?;
        let operands = Operands {
            schema: &schema,
            expressions: &expressions,
        };
        let properties = properties_from_message(&content.message, &content, operands)
            .map_err(|error| origin.error(error))?;
        Ok(Self {
            origin,
            descriptor: content.message,
            properties: Arc::new(properties),
            options,
            scan,
            crossing: ExecutionPlanMetricsSet::new(),
        })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        self.properties.equivalence_properties().schema()
    }

    /// Refuses batches of other fields than those asked for.
    pub(super) fn expect_fields(&self, expected: &Schema) -> Result<()> {
        let schema = self.schema();
        if schema.fields() == expected.fields() {
            return Ok(());
        }
        Err(self.origin.breach(format!(
            "a scan of {}, where {} was asked for",
            names(schema),
            names(expected)
        )))
    }

    /// The plan altered, where the plugin can.
    pub(super) fn altered(&self, alteration: &Alteration) -> Result<Option<Self>> {
        let alter = || {
            let request = Parcel::of(alteration)?;
            let alter = |scan: &Disposed<ScanObject>, request| scan.get()?.alter(request);
            self.origin.plan(&self.scan, alter, request)
        };
        let altered = self.origin.call(alter)?;
        match altered {
            ROption::RSome(scan) => {
                Self::new(self.origin.clone(), scan, Arc::clone(&self.options)).map(Some)
            }
            ROption::RNone => Ok(None),
        }
    }

    pub(super) fn statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let ask = || {
            let partition: ROption<usize> = partition.into();
            let ask = |scan: &Disposed<ScanObject>, partition| scan.get()?.statistics(partition);
            let reply = self.origin.plan(&self.scan, ask, partition)?;
            let content = ParcelContent::<TableStatistics>::read(reply)?;
            statistics_from_message(&content.message, &content)
        };
        let statistics = self.origin.call(ask)?;
        let columns = self.schema().fields().len();
        if statistics.column_statistics.len() != columns {
            return Err(self.origin.breach(format!(
                "statistics of {} columns, expected {columns}",
                statistics.column_statistics.len()
            )));
        }
        Ok(Arc::new(statistics))
    }

    pub(super) fn metrics(&self) -> MetricsSet {
        let ask = || {
            let reply = self
                .origin
                .plan(&self.scan, |scan, ()| scan.get()?.metrics(), ())?;
            reply.message()
        };
        let reply = self.origin.call(ask);
        let mut metrics = match reply {
            Ok(ScanMetrics { metrics }) => metrics_from_messages(metrics),
            Err(error) => {
                self.origin.tell(&error);
                MetricsSet::new()
            }
        };
        for metric in self.crossing.clone_inner().iter() {
            metrics.push(Arc::clone(metric));
        }
        metrics
    }

    pub(super) fn execute(
        &self,
        partition: usize,
        context: &TaskContext,
        input: Option<InputObject>,
    ) -> Result<SendableRecordBatchStream> {
        let crossing = Crossing::new(&self.crossing, partition);
        let memory = HostMemoryPool::new(
            &self.origin,
            Arc::clone(context.memory_pool()),
            crossing.reserved.clone(),
        );
        let account = memory.account();
        let memory = MemoryPoolObject::new(memory);
        let scan = Arc::clone(&self.scan);
        let start = move || scan.get()?.execute(partition, memory, input.into());
        let schema = Arc::clone(self.schema());
        let stream = PluginStream::start(self.origin.clone(), start, schema, crossing, account)?;
        Ok(match self.properties.scheduling_type {
            // The plugin's budget is its own runtime's: the host's is kept here.
            SchedulingType::Cooperative => make_cooperative(Box::pin(stream)),
            SchedulingType::NonCooperative => Box::pin(stream),
        })
    }

    /// One line for `EXPLAIN`.
    pub(super) fn line(&self, node: &str) -> String {
        let (plugin, item) = (self.origin.plugin().name(), self.origin.item());
        match self.descriptor.display.as_str() {
            "" => format!("{node}: plugin={plugin}, item={item}"),
            scan => format!("{node}: plugin={plugin}, item={item}, scan=[{scan}]"),
        }
    }
}

/// The expressions of a scan's properties. Functions in them are DataFusion's own.
fn expressions(
    content: &ParcelContent<ScanDescriptor>,
    schema: &Schema,
    options: &ConfigOptions,
) -> Result<Vec<Option<Arc<dyn PhysicalExpr>>>> {
    if content.blob.is_empty() {
        return Ok(Vec::new());
    }
    let config = SessionConfig::from(options.clone());
    physical_expressions(
        &content.blob,
        &content.message.functions,
        &|reference| builtins().find(reference),
        schema,
        &TaskContext::default().with_session_config(config),
    )
}

fn names(schema: &Schema) -> String {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| {
            let null = if field.is_nullable() { "" } else { " not null" };
            format!("{}: {}{null}", field.name(), field.data_type())
        })
        .collect();
    format!("({})", fields.join(", "))
}
