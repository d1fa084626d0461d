//! An analyzer rule: tables as of a snapshot.

use datafusion_common::{
    Column, Result, ScalarValue, TableReference,
    config::ConfigOptions,
    plan_err,
    tree_node::{Transformed, TreeNodeRecursion},
};
use datafusion_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableScan, lit, logical_plan::TableScanBuilder,
};
use datafusion_optimizer::AnalyzerRule;

use crate::Options;

/// Adds the snapshot's filter to every scan of the tables that the options name.
#[derive(Debug)]
pub struct SnapshotFilter {
    options: Options,
}

impl SnapshotFilter {
    /// With the options of the plugin's activation; a session's own come before them.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
        }
    }
}

impl AnalyzerRule for SnapshotFilter {
    fn name(&self) -> &str {
        "snapshot_filter"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let options = self.options.of(config);
        if options.snapshot_tables.is_empty() {
            return Ok(plan);
        }
        let filtered = plan.transform_down_with_subqueries(|node| match node {
            LogicalPlan::TableScan(scan) if is_named(&scan.table_name, options, config) => {
                let filtered = filtered(scan, options)?;
                // Below the filter is the scan, which must not get another.
                Ok(Transformed::new(filtered, true, TreeNodeRecursion::Jump))
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(filtered?.data)
    }
}

/// Names may be `table`, `schema.table` or `catalog.schema.table`. What a name or a scan leaves out is
/// the session's default.
fn is_named(table: &TableReference, options: &Options, config: &ConfigOptions) -> bool {
    let resolved = |table: TableReference| {
        let defaults = &config.catalog;
        table.resolve(&defaults.default_catalog, &defaults.default_schema)
    };
    let table = resolved(table.clone());
    let names = options.snapshot_tables.split(',').map(str::trim);
    let mut names = names.filter(|name| !name.is_empty());
    names.any(|name| resolved(TableReference::from(name)) == table)
}

fn filtered(scan: TableScan, options: &Options) -> Result<LogicalPlan> {
    let table = scan.table_name.clone();
    let name = &options.snapshot_column;
    if name.is_empty() {
        return plan_err!(
            "codeanatomy.snapshot_tables names {table}, and codeanatomy.snapshot_column no column"
        );
    }
    let schema = scan.source.schema();
    let Ok(field) = schema.field_with_name(name) else {
        return plan_err!(
            "codeanatomy.snapshot_tables names {table}, which has no column '{name}' \
             (codeanatomy.snapshot_column)"
        );
    };
    let column = Expr::Column(Column::new(Some(table), name));
    // The rule may stand behind type coercion.
    let value = ScalarValue::from(options.snapshot_value.as_str()).cast_to(field.data_type());
    let value = lit(value.map_err(|error| error.context("codeanatomy.snapshot_value"))?);
    let columns: Vec<_> = scan
        .projected_schema
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect();
    let has_column = scan
        .projected_schema
        .has_column(&Column::new(Some(scan.table_name.clone()), name));
    if has_column {
        return LogicalPlanBuilder::from(LogicalPlan::TableScan(scan))
            .filter(column.eq(value))?
            .build();
    }
    // A scan that leaves the column out reads it for the filter alone.
    let whole = TableScanBuilder::new(scan.table_name, scan.source)
        .with_filters(scan.filters)
        .with_fetch(scan.fetch)
        .build()?;
    LogicalPlanBuilder::from(LogicalPlan::TableScan(whole))
        .filter(column.eq(value))?
        .project(columns)?
        .build()
}
