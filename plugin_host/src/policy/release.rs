//! From a plan over guarded tables to one that runs.

use std::sync::Arc;

use datafusion::{
    catalog::{
        CatalogProviderList, SchemaProvider, TableProvider,
        information_schema::InformationSchemaProvider, streaming::StreamingTable,
    },
    common::{
        Column, Result, SchemaReference, TableReference,
        tree_node::{Transformed, TreeNodeRecursion},
    },
    datasource::{ViewTable, provider_as_source, source_as_provider},
    execution::SessionState,
    logical_expr::{
        DdlStatement, DmlStatement, Expr, LogicalPlan, LogicalPlanBuilder, TableScan,
        TableScanBuilder, WriteOp, dml::InsertOp,
    },
};

use datafusion_plugin_api::abi::message::RelationKind;
use futures::FutureExt;

use super::{
    PolicyRefusal,
    catalog::Guarded,
    facts::{INFORMATION_SCHEMA, Identified, Identities},
    guard::{Restriction, Restrictions, TableId},
    restricted::Restricted,
};

/// What becomes of the scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They run, restricted.
    Run,
    /// They are kept in a view, whole and under their full names: whoever reads the view is decided on
    /// by then.
    Keep,
}

/// Puts the tables themselves into a plan, restricted where they are.
pub(super) struct Release<'s, 'a, 'i> {
    pub(super) state: &'s SessionState,
    /// In which the SQL of policies is read; see [`sql_state`](super::restricted::sql_state).
    pub(super) sql: &'s SessionState,
    pub(super) identities: &'i mut Identities<'a>,
    pub(super) restrictions: &'s Restrictions,
    pub(super) purpose: Purpose,
    /// What lists show now; `None` where they are guarded by themselves.
    pub(super) catalogs: Option<Arc<dyn CatalogProviderList>>,
}

impl Release<'_, '_, '_> {
    /// # Errors
    /// A refusal, when a restriction makes no sense or cannot be kept.
    pub(super) fn plan(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let released = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Dml(dml) => self.dml(dml),
            LogicalPlan::Ddl(ddl) => {
                self.ddl(&ddl)?;
                Ok(Transformed::yes(LogicalPlan::Ddl(self.named_in_full(ddl))))
            }
            // A mask may be null where the column is not.
            other if self.changes_fields() => other.recompute_schema().map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        })?;
        let released = released.data;
        released.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && is_guarded(&scan.source)
            {
                let problem = format!("table '{}' could not be released", scan.table_name);
                return Err(PolicyRefusal::Ungovernable { problem }.into());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(released)
    }

    fn changes_fields(&self) -> bool {
        self.purpose == Purpose::Run && self.restrictions.values().any(|r| !r.masks.is_empty())
    }

    fn scan(&mut self, scan: TableScan) -> Result<Transformed<LogicalPlan>> {
        let Some(identified) = self.identities.of(&scan.table_name, &scan.source) else {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        };
        let Some(table) = identified.provider.clone() else {
            // Not DataFusion's own kind of source, so nothing of ours; it can only run as it is.
            return match self.restrictions.get(&identified.id) {
                Some(restriction) => Err(unrestrictable(
                    &identified.id,
                    restriction,
                    "its scan is of a foreign kind",
                )),
                None => Ok(Transformed::no(LogicalPlan::TableScan(scan))),
            };
        };
        let table = self.relisted(&identified.id, table);
        let table = match identified.body(self.identities)? {
            Some(body) if self.purpose == Purpose::Run => {
                let body = self.plan(body)?;
                let definition = table.get_table_definition().map(str::to_owned);
                Arc::new(ViewTable::new(body, definition)) as Arc<dyn TableProvider>
            }
            _ => table,
        };
        let restriction = self.restrictions.get(&identified.id);
        let restricted = restriction
            .map(|restriction| self.restricted(&identified, &table, restriction))
            .transpose()?;
        let table = match (self.purpose, restricted) {
            (Purpose::Run, Some(restricted)) => restricted,
            _ => table,
        };
        let released = self.rebuilt(scan, &identified, table)?;
        Ok(Transformed::yes(released))
    }

    /// A table of the information schema lists what may be seen now, by whoever asks now. One in a view
    /// or a plan of another session would list what could be seen there.
    fn relisted(&self, id: &TableId, table: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
        let Some(catalogs) = &self.catalogs else {
            return table;
        };
        if id.schema != INFORMATION_SCHEMA || !table.is::<StreamingTable>() {
            return table;
        }
        let schema = InformationSchemaProvider::new(Arc::clone(catalogs))
            .with_table_functions(self.state.table_functions().clone());
        let listed = schema.table(&id.table).now_or_never();
        listed.and_then(Result::ok).flatten().unwrap_or(table)
    }

    fn restricted(
        &self,
        identified: &Identified,
        table: &Arc<dyn TableProvider>,
        restriction: &Restriction,
    ) -> Result<Arc<dyn TableProvider>> {
        let id = &identified.id;
        let name = TableReference::bare(id.table.as_str());
        let source = provider_as_source(Arc::clone(table));
        let whole = LogicalPlanBuilder::scan(name, source, None)?.build()?;
        let kind = table.table_type();
        let restricted = Restricted::new(id, whole, kind, restriction, self.sql)?;
        Ok(Arc::new(restricted))
    }

    /// The same scan of another table.
    fn rebuilt(
        &self,
        scan: TableScan,
        identified: &Identified,
        table: Arc<dyn TableProvider>,
    ) -> Result<LogicalPlan> {
        let name = scan.table_name.clone();
        let source = provider_as_source(table);
        let unregistered = identified.relation == RelationKind::Unregistered;
        let mut builder = match self.purpose {
            _ if unregistered => LogicalPlanBuilder::scan(name.clone(), source, None)?,
            Purpose::Run => LogicalPlanBuilder::scan(name.clone(), source, None)?,
            Purpose::Keep => {
                let TableId {
                    catalog,
                    schema,
                    table,
                } = &identified.id;
                let full = TableReference::full(catalog.as_str(), schema.as_str(), table.as_str());
                // No builder's scan, which would open a view and lose its name.
                let whole = TableScanBuilder::new(full.clone(), source).build()?;
                let whole = LogicalPlanBuilder::from(LogicalPlan::TableScan(whole));
                match name == full {
                    true => whole,
                    false => whole.alias(name.clone())?,
                }
            }
        };
        for filter in scan.filters {
            builder = builder.filter(filter)?;
        }
        if scan.projection.is_some() {
            let fields = scan.projected_schema.fields().iter();
            let columns = fields.map(|f| Expr::Column(Column::new(Some(name.clone()), f.name())));
            builder = builder.project(columns.collect::<Vec<_>>())?;
        }
        if scan.fetch.is_some() {
            builder = builder.limit(0, scan.fetch)?;
        }
        builder.build()
    }

    /// Rows are written to the table itself. What would change or remove rows that are not to be seen
    /// is refused.
    fn dml(&mut self, mut dml: DmlStatement) -> Result<Transformed<LogicalPlan>> {
        let Some(identified) = self.identities.of(&dml.table_name, &dml.target) else {
            return Ok(Transformed::no(LogicalPlan::Dml(dml)));
        };
        let appends = matches!(dml.op, WriteOp::Insert(InsertOp::Append));
        if let Some(restriction) = self.restrictions.get(&identified.id)
            && !appends
        {
            let problem = format!("{} could change what is not to be seen", dml.op.name());
            return Err(unrestrictable(&identified.id, restriction, &problem));
        }
        if let Some(table) = identified.provider {
            dml.target = provider_as_source(table);
        }
        Ok(Transformed::yes(LogicalPlan::Dml(dml)))
    }

    fn ddl(&self, ddl: &DdlStatement) -> Result<()> {
        let (name, what) = match ddl {
            DdlStatement::DropTable(gone) => (&gone.name, "DROP TABLE"),
            DdlStatement::DropView(gone) => (&gone.name, "DROP VIEW"),
            DdlStatement::CreateMemoryTable(made) if made.or_replace => (&made.name, "OR REPLACE"),
            DdlStatement::CreateView(made) if made.or_replace => (&made.name, "OR REPLACE"),
            DdlStatement::CreateExternalTable(made) if made.or_replace => {
                (&made.name, "OR REPLACE")
            }
            DdlStatement::DropCatalogSchema(gone) => {
                let tables = self.identities.tables_of(&gone.name);
                return tables
                    .iter()
                    .try_for_each(|table| self.kept(table, "DROP SCHEMA"));
            }
            _ => return Ok(()),
        };
        self.kept(name, what)
    }

    /// The same under full names: another statement of the session may change the default schema
    /// before this one runs.
    fn named_in_full(&self, mut ddl: DdlStatement) -> DdlStatement {
        let name = match &mut ddl {
            DdlStatement::DropTable(gone) => &mut gone.name,
            DdlStatement::DropView(gone) => &mut gone.name,
            DdlStatement::CreateMemoryTable(made) => &mut made.name,
            DdlStatement::CreateView(made) => &mut made.name,
            DdlStatement::CreateExternalTable(made) => &mut made.name,
            DdlStatement::CreateIndex(made) => &mut made.table,
            DdlStatement::DropCatalogSchema(gone) => {
                if let SchemaReference::Bare { schema } = &gone.name {
                    let catalog = &self.state.config_options().catalog.default_catalog;
                    gone.name = SchemaReference::Full {
                        schema: Arc::clone(schema),
                        catalog: catalog.as_str().into(),
                    };
                }
                return ddl;
            }
            _ => return ddl,
        };
        let TableId {
            catalog,
            schema,
            table,
        } = self.identities.by_name(name).id;
        *name = TableReference::full(catalog, schema, table);
        ddl
    }

    fn kept(&self, name: &TableReference, what: &str) -> Result<()> {
        let id = self.identities.by_name(name).id;
        match self.restrictions.get(&id) {
            Some(restriction) => {
                let problem = format!("{what} could remove what is not to be seen");
                Err(unrestrictable(&id, restriction, &problem))
            }
            None => Ok(()),
        }
    }
}

fn is_guarded(source: &Arc<dyn datafusion::logical_expr::TableSource>) -> bool {
    source_as_provider(source).is_ok_and(|table| table.is::<Guarded>())
}

fn unrestrictable(
    id: &TableId,
    restriction: &Restriction,
    problem: &str,
) -> datafusion::common::DataFusionError {
    let refusal = PolicyRefusal::Unrestrictable {
        policy: restriction.policies(),
        table: format!("table '{id}'"),
        problem: problem.to_owned(),
    };
    refusal.into()
}
