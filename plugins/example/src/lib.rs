//! The smallest complete plugin: one function of each kind, a table, a table factory, planners and a
//! policy, one file each. Copy it and start from there; `docs/authors.md` explains every step.

mod geometric_mean;
mod greet;
mod limits;
mod money;
mod pivot;
mod planets;
mod run_length;
mod sample;
mod series;
mod slow_square;

use std::{sync::Arc, time::Duration};

use datafusion_plugin_api::prelude::*;

pub use geometric_mean::GeometricMean;
pub use greet::Greet;
pub use limits::Limits;
pub use money::Money;
pub use pivot::Pivot;
pub use planets::planets;
pub use run_length::RunLength;
pub use sample::{Sample, Sampled};
pub use series::{Series, SeriesFactory};
pub use slow_square::SlowSquare;

fn activate(context: &ActivationContext) -> Result<Plugin> {
    let patience = AsyncScalarOptions::default()
        .with_timeout(Duration::from_secs(5))
        .with_batch_size(1024);
    Ok(Plugin::new()
        .scalar_function(Greet::new())
        .async_scalar_function(SlowSquare::new(), patience)
        .aggregate_function(GeometricMean::new())
        .window_function(RunLength::new())
        .table_function("series", Series, Some(Series::documentation()))
        .table("planets", planets()?)
        .table_provider_factory("SERIES", Arc::new(SeriesFactory))
        .scalar_function(Sampled::new())
        .relation_planner("sample", Arc::new(Sample))
        .planning_relations([RelationKind::SampledTable])
        .relation_planner("pivot", Arc::new(Pivot))
        .planning_relations([RelationKind::Pivot])
        .type_planner("money", Arc::new(Money))
        .policy("limits", context.parse_options::<Limits>()?))
}

export_plugin! {
    name: "example",
    capabilities: [
        scalar_function,
        async_scalar_function,
        aggregate_function,
        window_function,
        table_function,
        table_provider,
        table_provider_factory,
        relation_planner,
        type_planner,
        policy,
    ],
    activate: activate,
}
