//! `read_delta(uri [, version | timestamp])`.

use std::sync::Arc;

use datafusion::{catalog::TableProvider, error::Result};

use super::{Entry, arguments::Arguments};
use crate::{
    open::Tables,
    runtime::wait,
    table::{Table, scan_config},
};

pub(super) static ENTRY: Entry = Entry {
    name: "read_delta",
    syntax: "read_delta(uri [, version | timestamp])",
    description: "The rows of a Delta table, as they are now or as they were.",
    arguments: &[
        ("uri", "Path or URL of the table."),
        (
            "version",
            "A version (integer), or a time: the newest version that is not newer. The latest \
             version without it.",
        ),
    ],
    example: "select * from read_delta('/data/orders', 3);",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let moment = arguments.moment_or_latest(1)?;
    let config = scan_config(arguments.session());
    let opened = Table::open(Arc::clone(tables), location, moment, config);
    Ok(Arc::new(wait(opened)?))
}
