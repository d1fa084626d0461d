//! `read_delta_cdf(uri, from [, to])`.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::plan_err,
    error::Result,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::ExecutionPlan,
};
use deltalake::delta_datafusion::DeltaCdfTableProvider;

use super::{Entry, arguments::Arguments};
use crate::{
    error::failed,
    location::Location,
    moment::Moment,
    open::{Tables, snapshot},
    runtime::wait,
};

pub(super) static ENTRY: Entry = Entry {
    name: "read_delta_cdf",
    syntax: "read_delta_cdf(uri, from [, to])",
    description: "The changes of a Delta table, from one version or time to another, both \
                  included: the rows, with _change_type (insert, update_preimage, \
                  update_postimage, delete), _commit_version and _commit_timestamp. The table must \
                  have recorded them (delta.enableChangeDataFeed) from the first of these versions \
                  on.",
    arguments: &[
        ("uri", "Path or URL of the table."),
        (
            "from",
            "The first version (integer), or a time: versions since then.",
        ),
        (
            "to",
            "The last version (integer), or a time: versions until then. The latest version \
             without it.",
        ),
    ],
    example: "select * from read_delta_cdf('/data/orders', 1, 3);",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let (from, to) = (arguments.moment(1)?, arguments.moment_or_latest(2)?);
    Ok(Arc::new(wait(open(
        Arc::clone(tables),
        location,
        from,
        to,
    ))?))
}

async fn open(
    tables: Arc<Tables>,
    location: Location,
    from: Moment,
    to: Moment,
) -> Result<Changes> {
    let table = tables.open(&location, Moment::Latest).await?;
    let latest = snapshot(&table, &location)?.version();
    for moment in [from, to] {
        if let Moment::Version(version) = moment
            && version > latest
        {
            return plan_err!(
                "read_delta_cdf: the Delta table '{location}' has no version {version}; the \
                 latest is {latest}"
            );
        }
    }
    let mut changes = table.clone().scan_cdf();
    changes = match from {
        Moment::Version(version) => {
            recorded_since(&tables, &location, version).await?;
            changes.with_starting_version(version)
        }
        Moment::Time(time) => changes.with_starting_timestamp(time),
        Moment::Latest => changes.with_starting_version(latest),
    };
    changes = match to {
        Moment::Version(version) => changes.with_ending_version(version),
        Moment::Time(time) => changes.with_ending_timestamp(time),
        Moment::Latest => changes.with_ending_version(latest),
    };
    let provider = DeltaCdfTableProvider::try_new(changes);
    let provider = provider.map_err(|error| failed("changes of", &location, error))?;
    Ok(Changes { location, provider })
}

/// `deltalake` looks at the property only where a version sets it, and makes up changes of files
/// otherwise.
async fn recorded_since(tables: &Tables, location: &Location, version: u64) -> Result<()> {
    let table = tables.open(location, Moment::Version(version)).await?;
    let properties = snapshot(&table, location)?.metadata().configuration();
    let recorded = properties.get("delta.enableChangeDataFeed");
    if recorded.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(());
    }
    plan_err!(
        "read_delta_cdf: the Delta table '{location}' does not record changes at version {version} \
         (delta.enableChangeDataFeed)"
    )
}

/// The changes as a table.
#[derive(Debug)]
struct Changes {
    location: Location,
    provider: DeltaCdfTableProvider,
}

#[async_trait]
impl TableProvider for Changes {
    fn schema(&self) -> SchemaRef {
        self.provider.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.provider.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // With a limit the provider puts a node over all partitions that takes only one.
        let plan = self.provider.scan(session, projection, filters, None).await;
        plan.map_err(|error| error.context(format!("changes of '{}'", self.location)))
    }
}
