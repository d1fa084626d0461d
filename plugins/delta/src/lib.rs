//! Delta Lake as a plugin: the table functions and `STORED AS DELTATABLE` of the crate
//! `datafusion-delta-tables`.

use std::sync::Arc;

use datafusion_delta_tables::{DELTATABLE, DeltaTableFactory, Options, table_functions};
use datafusion_plugin_api::prelude::*;

fn activate(context: &ActivationContext) -> Result<Plugin> {
    let options: Options = context.parse_options()?;
    let factory = Arc::new(DeltaTableFactory::new(&options)?);
    let plugin = Plugin::new().table_provider_factory(DELTATABLE, factory);
    let functions = table_functions(&options)?.into_iter();
    Ok(
        functions.fold(plugin, |plugin, (name, function, documentation)| {
            plugin.table_function(name, function, Some(documentation))
        }),
    )
}

export_plugin! {
    name: "delta",
    capabilities: [table_function, table_provider_factory, table_expressions],
    activate: activate,
}
