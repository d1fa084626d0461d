//! Source code as tables: the crate `datafusion-codeanatomy` as a plugin.

use datafusion_codeanatomy::{
    Options, PythonSyntax, aggregate_functions, scalar_functions, window_functions,
};
use datafusion_plugin_api::prelude::*;

fn activate(context: &ActivationContext) -> Result<Plugin> {
    let options: Options = context.parse_options()?;
    options.check()?;
    Ok(Plugin::new()
        .scalar_functions(scalar_functions(&options))
        .aggregate_functions(aggregate_functions())
        .window_functions(window_functions())
        .table_function(
            "python_syntax",
            PythonSyntax,
            Some(PythonSyntax::documentation()),
        ))
}

export_plugin! {
    name: "codeanatomy",
    capabilities: [
        scalar_function,
        aggregate_function,
        window_function,
        table_function,
        table_expressions,
    ],
    activate: activate,
}
