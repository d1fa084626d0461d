//! Delta Lake as a plugin: the table functions of the crate `datafusion-delta-tables`.

use datafusion_delta_tables::{Options, table_functions};
use datafusion_plugin_api::prelude::*;

fn activate(context: &ActivationContext) -> Result<Plugin> {
    let options: Options = context.parse_options()?;
    let functions = table_functions(&options)?;
    Ok(functions
        .into_iter()
        .fold(Plugin::new(), |plugin, (name, function, documentation)| {
            plugin.table_function(name, function, Some(documentation))
        }))
}

export_plugin! {
    name: "delta",
    capabilities: [table_function],
    activate: activate,
}
