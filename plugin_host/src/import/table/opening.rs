//! Waiting for a table that a plugin looks up or makes.

use std::{sync::Arc, task::Poll};

use abi_stable::std_types::ROption;
use datafusion::{catalog::TableProvider, common::Result};
use datafusion_plugin_api::abi::{Opening, TableOpeningObject};

use super::PluginTable;
use crate::import::{origin::Origin, pending::answer};

/// The table, or that there is none. Dropping the future cancels the work.
pub(crate) async fn open(
    origin: &Origin,
    mut opening: TableOpeningObject,
) -> Result<Option<Arc<dyn TableProvider>>> {
    let poll = |waker| {
        opening.poll(waker).map(|answer| match answer {
            Opening::Pending => Poll::Pending,
            Opening::Ready(table) => Poll::Ready(table),
        })
    };
    let table = answer(origin, poll).await?;
    match table {
        ROption::RSome(table) => Ok(Some(Arc::new(PluginTable::new(origin.clone(), table)?))),
        ROption::RNone => Ok(None),
    }
}
