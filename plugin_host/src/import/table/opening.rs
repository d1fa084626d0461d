//! Waiting for a table that a plugin looks up or makes.

use std::{sync::Arc, task::Poll};

use abi_stable::std_types::ROption;
use datafusion::{catalog::TableProvider, common::Result};
use datafusion_plugin_api::abi::{Opening, TableOpeningObject};

use super::PluginTable;
use crate::import::{origin::Origin, pending::planned};

/// The table, or that there is none. Dropping the future cancels the work.
pub(crate) async fn open(
    origin: &Origin,
    opening: TableOpeningObject,
) -> Result<Option<Arc<dyn TableProvider>>> {
    let table = planned(origin, opening, |opening, context| {
        match opening.poll(context.waker().into()) {
            Ok(Opening::Pending) => Poll::Pending,
            Ok(Opening::Ready(table)) => Poll::Ready(Ok(table)),
            Err(error) => Poll::Ready(Err(error)),
        }
    });
    let table = table.await?;
    match table {
        ROption::RSome(table) => Ok(Some(Arc::new(PluginTable::new(origin.clone(), table)?))),
        ROption::RNone => Ok(None),
    }
}
