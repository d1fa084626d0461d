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
use sqlparser::{
    ast::ObjectName,
    dialect::GenericDialect,
    parser::{Parser, ParserError},
    tokenizer::Token,
};

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
        let tables = tables(&options.snapshot_tables)?;
        if tables.is_empty() {
            return Ok(plan);
        }
        let filtered = plan.transform_down_with_subqueries(|node| match node {
            LogicalPlan::TableScan(scan) if is_named(&scan.table_name, &tables, config) => {
                let filtered = filtered(scan, options)?;
                // Below the filter is the scan, which must not get another.
                Ok(Transformed::new(filtered, true, TreeNodeRecursion::Jump))
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(filtered?.data)
    }
}

/// The tables of the option `snapshot_tables`.
///
/// # Errors
/// Where one is not `table`, `schema.table` or `catalog.schema.table`: a table whose name is not understood
/// would be seen whole.
pub(crate) fn tables(names: &str) -> Result<Vec<TableReference>> {
    if names.trim().is_empty() {
        return Ok(Vec::new());
    }
    let tables = parsed(names).ok().and_then(|names| {
        let tables = names.iter().map(table);
        tables.collect()
    });
    match tables {
        Some(tables) => Ok(tables),
        None => plan_err!(
            "codeanatomy.snapshot_tables is '{names}', expected table, schema.table or \
             catalog.schema.table, with commas between several of them"
        ),
    }
}

fn parsed(names: &str) -> Result<Vec<ObjectName>, ParserError> {
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(names)?;
    let names = parser.parse_comma_separated(|parser| parser.parse_object_name(false))?;
    parser.expect_token(&Token::EOF)?;
    Ok(names)
}

/// A name without quotes is in lower case, as in a query.
fn table(name: &ObjectName) -> Option<TableReference> {
    let parts = name.0.iter().map(|part| {
        let part = part.as_ident()?;
        match part.quote_style {
            None => Some(part.value.to_ascii_lowercase()),
            // That is a string.
            Some('\'') => None,
            Some(_) => Some(part.value.clone()),
        }
    });
    match parts.collect::<Option<Vec<_>>>()?.as_slice() {
        [table] => Some(TableReference::bare(table.as_str())),
        [schema, table] => Some(TableReference::partial(schema.as_str(), table.as_str())),
        [catalog, schema, table] => Some(TableReference::full(
            catalog.as_str(),
            schema.as_str(),
            table.as_str(),
        )),
        _ => None,
    }
}

/// What a name or a scan leaves out is the session's default.
fn is_named(table: &TableReference, named: &[TableReference], config: &ConfigOptions) -> bool {
    let resolved = |table: &TableReference| {
        let defaults = &config.catalog;
        let table = table.clone();
        table.resolve(&defaults.default_catalog, &defaults.default_schema)
    };
    let table = resolved(table);
    named.iter().any(|named| resolved(named) == table)
}

fn filtered(mut scan: TableScan, options: &Options) -> Result<LogicalPlan> {
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
    // A prepared statement has been optimized: a limit may have become one of the scan. It counts rows of the
    // snapshot.
    let fetch = scan.fetch.take();
    let filtered = if has_column {
        LogicalPlanBuilder::from(LogicalPlan::TableScan(scan)).filter(column.eq(value))?
    } else {
        // A scan that leaves the column out reads it for the filter alone.
        let whole = TableScanBuilder::new(scan.table_name, scan.source)
            .with_filters(scan.filters)
            .build()?;
        LogicalPlanBuilder::from(LogicalPlan::TableScan(whole))
            .filter(column.eq(value))?
            .project(columns)?
    };
    match fetch {
        Some(fetch) => filtered.limit(0, Some(fetch))?.build(),
        None => filtered.build(),
    }
}
