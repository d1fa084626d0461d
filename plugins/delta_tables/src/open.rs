//! Loading tables at a moment of their history.

use chrono::{DateTime, SecondsFormat};
use datafusion::{
    common::{plan_datafusion_err, plan_err},
    error::Result,
};
use deltalake::{
    DeltaTable, DeltaTableBuilder, DeltaTableError, kernel::transaction::CommitProperties,
};

use crate::{
    error::failed, location::Location, log::version_by_commit_timestamp, moment::Moment,
    options::Options, protocol::Gate, storage,
};

/// What the plugin's tables and functions share: the operator's decisions.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    pub(crate) options: Options,
    gate: Gate,
}

impl Tables {
    pub(crate) fn new(options: Options) -> Result<Self> {
        storage::register();
        let gate = Gate::new(&options)?;
        Ok(Self { options, gate })
    }

    /// The table at `location` as it was at `moment`, if it may be read.
    ///
    /// # Errors
    /// When there is no such table or version, its log is corrupt, or the table is refused.
    pub(crate) async fn open(&self, location: &Location, moment: Moment) -> Result<DeltaTable> {
        let table = load(location, moment).await?;
        self.readable(location, &table)?;
        Ok(table)
    }

    /// # Errors
    /// When the table may not be read at the version that is loaded.
    pub(crate) fn readable(&self, location: &Location, table: &DeltaTable) -> Result<()> {
        self.gate
            .reading(location, snapshot(table, location)?.protocol())
    }

    /// The newest version of the table at `location`, if it may be changed.
    ///
    /// # Errors
    /// As [`Self::open`], and when the table may not be changed.
    pub(crate) async fn open_to_write(&self, location: &Location) -> Result<DeltaTable> {
        let table = load(location, Moment::Latest).await?;
        let protocol = snapshot(&table, location)?.protocol();
        self.gate.writing(location, protocol)?;
        Ok(table)
    }

    /// How this plugin commits.
    pub(crate) fn commit(&self) -> CommitProperties {
        let properties = CommitProperties::default();
        match self.options.commit_retries {
            Some(retries) => properties.with_max_retries(retries),
            None => properties,
        }
    }
}

/// The state that a loaded table has.
pub(crate) fn snapshot<'a>(
    table: &'a DeltaTable,
    location: &Location,
) -> Result<&'a deltalake::kernel::EagerSnapshot> {
    let state = table.snapshot();
    let state = state.map_err(|error| failed("opening", location, error))?;
    Ok(state.snapshot())
}

async fn load(location: &Location, moment: Moment) -> Result<DeltaTable> {
    let opening = |error| failed("opening", location, error);
    let mut table = DeltaTableBuilder::from_url(location.url().clone())
        .map(|builder| builder.with_storage_options(location.storage().clone()))
        .and_then(DeltaTableBuilder::build)
        .map_err(opening)?;
    // Not by way of the latest version: that may be damaged.
    if let Moment::Version(version) = moment
        && table.load_version(version).await.is_ok()
    {
        return Ok(table);
    }
    table.load().await.map_err(opening)?;
    let latest = snapshot(&table, location)?.version();
    match moment {
        Moment::Latest => {}
        Moment::Version(version) if version > latest => {
            return plan_err!(
                "the Delta table '{location}' has no version {version}; the latest is {latest}"
            );
        }
        Moment::Version(version) => travel(&mut table, location, version).await?,
        Moment::Time(time) => {
            let properties = snapshot(&table, location)?.metadata().configuration();
            let own = properties.get("delta.enableInCommitTimestamps");
            if own.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                let log = table.log_store();
                let found =
                    version_by_commit_timestamp(log.as_ref(), location, latest, time).await?;
                travel(&mut table, location, found).await?;
            } else {
                table.load_with_datetime(time).await.map_err(opening)?;
                // A time before the first version yields the first one.
                let version = snapshot(&table, location)?.version();
                let first = snapshot(&table, location)?.version_timestamp(version);
                if let Some(first) = first.and_then(DateTime::from_timestamp_millis)
                    && first > time
                {
                    return plan_err!(
                        "the Delta table '{location}' has no version as old as {moment}; version \
                         {version} is of {}",
                        first.to_rfc3339_opts(SecondsFormat::Millis, true)
                    );
                }
            }
        }
    }
    Ok(table)
}

async fn travel(table: &mut DeltaTable, location: &Location, version: u64) -> Result<()> {
    match table.load_version(version).await {
        Ok(()) => Ok(()),
        Err(error @ (DeltaTableError::NotATable(_) | DeltaTableError::InvalidVersion(_))) => {
            Err(plan_datafusion_err!(
                "the Delta table '{location}' no longer has version {version}: {error}"
            ))
        }
        Err(error) => Err(failed("opening", location, error)),
    }
}
