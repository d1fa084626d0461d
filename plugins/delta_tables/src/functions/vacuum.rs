//! `delta_vacuum(uri [, retention_hours [, dry_run [, mode]]])`.

use std::sync::Arc;

use chrono::Duration;
use datafusion::{
    arrow::{
        array::{BooleanArray, RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::TableProvider,
    common::plan_err,
    error::Result,
};
use deltalake::operations::vacuum::VacuumMode;

use super::{Entry, arguments::Arguments};
use crate::{
    action::{ActionExec, ActionTable},
    error::failed,
    open::Tables,
};

pub(super) static ENTRY: Entry = Entry {
    name: "delta_vacuum",
    syntax: "delta_vacuum(uri [, retention_hours [, dry_run [, mode]]])",
    description: "The files of a Delta table that no version within the retention needs, one row \
                  each, whether they are still there or were removed before. Removes them only where dry_run is false, when the query is executed; \
                  versions that needed them can no longer be read.",
    arguments: &[
        ("uri", "Path or URL of the table."),
        (
            "retention_hours",
            "How long files are kept after they were removed from the table; what the table's \
             properties say (a week by default) where it is null or absent. Less than that is \
             refused unless the operator allows it.",
        ),
        (
            "dry_run",
            "Whether nothing is removed; true where it is null or absent.",
        ),
        (
            "mode",
            "'lite' (default): files that the log says were removed. 'full': also files that the \
             log does not know, such as those of writes that failed.",
        ),
    ],
    example: "select path from delta_vacuum('/data/orders', 168, false);",
    call,
};

/// About a thousand years; what is longer overflows the arithmetic of times.
const LONGEST: u64 = 1000 * 366 * 24;

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let hours = arguments.optional_count(1)?;
    if let Some(hours) = hours
        && hours > LONGEST
    {
        return plan_err!(
            "delta_vacuum: argument retention_hours is {hours}, expected up to {LONGEST}"
        );
    }
    let dry_run = arguments.optional_bool(2)?.unwrap_or(true);
    let mode = match arguments.optional_text(3)? {
        None | Some("lite") => VacuumMode::Lite,
        Some("full") => VacuumMode::Full,
        Some(other) => {
            return plan_err!(
                "delta_vacuum: argument mode is '{other}', expected 'lite' or 'full'"
            );
        }
    };
    let tables = Arc::clone(tables);
    let dry = if dry_run { "dry run of " } else { "" };
    let title = format!("{dry}delta_vacuum of {location}");
    let action = ActionExec::new(title, schema(), move |_| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        let mode = mode.clone();
        async move {
            let table = if dry_run {
                tables.open(&location, Default::default()).await?
            } else {
                tables.open_to_write(&location).await?
            };
            let mut vacuum = table
                .vacuum()
                .with_dry_run(dry_run)
                .with_mode(mode)
                .with_enforce_retention_duration(!tables.options.allow_short_retention)
                .with_commit_properties(tables.commit());
            if let Some(hours) = hours {
                vacuum = vacuum.with_retention_period(Duration::hours(hours as i64));
            }
            let (_, metrics) = vacuum
                .await
                .map_err(|error| failed("delta_vacuum of", &location, error))?;
            let root = location.to_string();
            let relative = |path: String| match path.strip_prefix(&root) {
                Some(path) => path.trim_start_matches('/').to_owned(),
                None => path,
            };
            let mut paths: Vec<String> = metrics.files_deleted.into_iter().map(relative).collect();
            paths.sort();
            let removed = BooleanArray::from(vec![!dry_run; paths.len()]);
            Ok(RecordBatch::try_new(
                schema(),
                vec![Arc::new(StringArray::from(paths)), Arc::new(removed)],
            )?)
        }
    });
    Ok(Arc::new(ActionTable::new(action)))
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("removed", DataType::Boolean, false),
    ]))
}
