//! The facts of a planned statement.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::Schema,
    catalog::TableProvider,
    common::{
        Result, TableReference,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        DdlStatement, Expr, LogicalPlan, Projection, Statement, TableSource, WriteOp, dml::InsertOp,
    },
};
use datafusion_plugin_api::abi::message::{
    Access, Clause, FunctionClass, FunctionUse, LocationUsed, RelationKind, SettingUse, Stage,
    StatementFacts, StatementKind, TableUse,
};

use super::{
    super::{
        PolicyRefusal,
        guard::{Guard, TableId},
    },
    INFORMATION_SCHEMA, Identified, Identities, Syntax,
    lineage::Walk,
    location,
    record::bit,
};

/// Gathers the facts of a plan, and of its text where there is one.
///
/// # Errors
/// A plan of which nobody can say what it would do.
pub(in super::super) fn gather(
    plan: &LogicalPlan,
    syntax: Option<&Syntax>,
    identities: &mut Identities<'_>,
    guard: &Guard,
) -> Result<StatementFacts> {
    let mut facts = StatementFacts {
        stage: Stage::Planned,
        ..StatementFacts::default()
    };
    let mut walk = Walk::new(identities, guard.needs_functions());
    let mut kinds = Vec::new();
    let mut gathering = Gathering {
        walk: &mut walk,
        facts: &mut facts,
        kinds: &mut kinds,
    };
    gathering.statement(plan)?;
    if let Some(syntax) = syntax {
        gathering.described(syntax)?;
    }
    walk.bodies()?;
    let mut kinds = kinds.into_iter();
    facts.kind = kinds.next().unwrap_or_default();
    facts.inner = kinds.collect();
    if let Some(syntax) = syntax {
        // The text tells SHOW from the query that it becomes.
        if facts.kind == StatementKind::Query
            && let Some(kind @ (StatementKind::Show | StatementKind::Describe)) =
                syntax.kinds.first()
        {
            facts.kind = *kind;
        }
    }
    facts.extensions = std::mem::take(&mut walk.extensions).into_iter().collect();
    for record in &walk.records.tables {
        // A scan of what a table function made bears the function's name.
        if record.identified.relation == RelationKind::Unregistered {
            let name = record.identified.id.table.as_str();
            let name = name.strip_suffix("()").unwrap_or(name);
            walk.functions
                .insert((name.to_owned(), FunctionClass::Table));
        }
        for written in record.identified.locations() {
            facts.locations.push(location(&written, LocationUsed::Read));
        }
    }
    if guard.needs_functions() {
        functions(&mut facts, syntax, std::mem::take(&mut walk.functions));
    }
    facts.tables = walk.records.into_uses(guard.needs_columns());
    Ok(facts)
}

/// The facts of a look at a table in a list: what it is, and for a view what is under it.
///
/// # Errors
/// A view that cannot be walked.
pub(in super::super) fn lookup(
    id: &TableId,
    table: Option<&Arc<dyn TableProvider>>,
    identities: &mut Identities<'_>,
    guard: &Guard,
) -> Result<StatementFacts> {
    let mut walk = Walk::new(identities, guard.needs_functions());
    let mut identified = walk.identities.seen(id);
    identified.provider = table.cloned();
    let schema = table.map_or_else(|| Arc::new(Schema::empty()), |table| table.schema());
    let position = walk.records.position(identified, schema);
    let record = &mut walk.records.tables[position];
    record.access.insert(Access::List);
    record.named = true;
    walk.bodies()?;
    Ok(StatementFacts {
        stage: Stage::Lookup,
        kind: StatementKind::List,
        tables: walk.records.into_uses(false),
        ..StatementFacts::default()
    })
}

/// Adds what is under the views that were looked up.
///
/// # Errors
/// A view that cannot be walked.
pub(in super::super) fn add_beneath(
    facts: &mut StatementFacts,
    seen: HashMap<TableId, Identified>,
    identities: &mut Identities<'_>,
    guard: &Guard,
) -> Result<()> {
    let mut walk = Walk::new(identities, guard.needs_functions());
    for identified in seen.into_values() {
        if let Some(table) = &identified.provider {
            let schema = table.schema();
            walk.records.position(identified, schema);
        }
    }
    walk.bodies()?;
    for used in walk.records.into_uses(false) {
        let known = |known: &TableUse| TableId::of(known) == TableId::of(&used);
        if !facts.tables.iter().any(known) {
            facts.tables.push(used);
        }
    }
    Ok(())
}

fn functions(
    facts: &mut StatementFacts,
    syntax: Option<&Syntax>,
    called: BTreeSet<(String, FunctionClass)>,
) {
    let called = called
        .into_iter()
        .map(|(name, class)| FunctionUse { name, class });
    facts.functions.extend(called);
    let named = syntax.into_iter().flat_map(Syntax::function_uses);
    for named in named {
        if !facts.functions.iter().any(|known| known.name == named.name) {
            facts.functions.push(named);
        }
    }
}

struct Gathering<'g, 'a, 'i> {
    walk: &'g mut Walk<'a, 'i>,
    facts: &'g mut StatementFacts,
    kinds: &'g mut Vec<StatementKind>,
}

impl Gathering<'_, '_, '_> {
    fn statement(&mut self, plan: &LogicalPlan) -> Result<()> {
        match plan {
            LogicalPlan::Explain(explain) => {
                self.kind(StatementKind::Explain, "");
                self.statement(&explain.plan)
            }
            LogicalPlan::Analyze(analyze) => {
                self.kind(StatementKind::Explain, "analyze");
                self.statement(&analyze.input)
            }
            LogicalPlan::Copy(copy) => {
                self.kind(StatementKind::Copy, &copy.file_type.get_ext());
                self.facts
                    .locations
                    .push(location(&copy.output_url, LocationUsed::Copy));
                self.walk.output(&copy.input)
            }
            LogicalPlan::Dml(dml) => self.dml(dml),
            LogicalPlan::Ddl(ddl) => self.ddl(ddl),
            LogicalPlan::Statement(statement) => self.session(statement),
            LogicalPlan::DescribeTable(_) => {
                self.kind(StatementKind::Describe, "");
                Ok(())
            }
            query => {
                self.kind(StatementKind::Query, "");
                self.walk.output(query)
            }
        }
    }

    fn kind(&mut self, kind: StatementKind, sub_kind: &str) {
        if self.kinds.is_empty() {
            sub_kind.clone_into(&mut self.facts.sub_kind);
        }
        self.kinds.push(kind);
    }

    fn dml(&mut self, dml: &datafusion::logical_expr::DmlStatement) -> Result<()> {
        let (kind, sub_kind, access) = match &dml.op {
            WriteOp::Insert(InsertOp::Append) => (StatementKind::Insert, "append", Access::Insert),
            WriteOp::Insert(InsertOp::Overwrite) => {
                (StatementKind::Insert, "overwrite", Access::Overwrite)
            }
            WriteOp::Insert(InsertOp::Replace) => {
                (StatementKind::Insert, "replace", Access::Overwrite)
            }
            WriteOp::Delete => (StatementKind::Delete, "", Access::Delete),
            WriteOp::Update => (StatementKind::Update, "", Access::Update),
            WriteOp::Ctas => (StatementKind::CreateTable, "", Access::Create),
            WriteOp::Truncate => (StatementKind::Truncate, "", Access::Truncate),
            WriteOp::MergeInto(_) => (StatementKind::Merge, "", Access::Merge),
            other => {
                let problem = format!("{} is of no known kind", other.name());
                return Err(PolicyRefusal::Ungovernable { problem }.into());
            }
        };
        self.kind(kind, sub_kind);
        let mut written = Vec::new();
        match (&dml.op, dml.input.as_ref()) {
            (WriteOp::Update, LogicalPlan::Projection(assigned)) => {
                written = self.update(assigned)?;
            }
            // Which rows go; what is in them is not told.
            (WriteOp::Delete | WriteOp::Truncate, input) => drop(self.walk.plan(input)?),
            (_, input) => {
                written = input
                    .schema()
                    .fields()
                    .iter()
                    .map(|f| f.name().clone())
                    .collect();
                if matches!(dml.op, WriteOp::MergeInto(_)) {
                    drop(self.walk.plan(&LogicalPlan::Dml(dml.clone()))?);
                    written = Vec::new();
                } else {
                    self.walk.output(input)?;
                }
            }
        }
        if let Some(position) = self.named(&dml.table_name, &dml.target, access) {
            self.walk.records.tables[position].written.extend(written);
        }
        Ok(())
    }

    /// The columns that get another value. The others are only handed through.
    fn update(&mut self, assigned: &Projection) -> Result<Vec<String>> {
        let lineage = self.walk.plan(&LogicalPlan::Projection(assigned.clone()))?;
        let mut written = Vec::new();
        for (expr, bases) in assigned.expr.iter().zip(&lineage) {
            let (name, value) = match expr {
                Expr::Alias(alias) => (alias.name.as_str(), alias.expr.as_ref()),
                other => ("", other),
            };
            if !matches!(value, Expr::Column(column) if column.name == name) {
                self.walk.records.read(bases, bit(Clause::Select));
                written.push(name.to_owned());
            }
        }
        Ok(written)
    }

    fn ddl(&mut self, ddl: &DdlStatement) -> Result<()> {
        let replaced = |or_replace: bool| match or_replace {
            true => ("or_replace", Access::Replace),
            false => ("", Access::Create),
        };
        match ddl {
            DdlStatement::CreateExternalTable(create) => {
                self.kind(
                    StatementKind::CreateExternalTable,
                    &create.file_type.to_lowercase(),
                );
                for written in &create.locations {
                    self.facts
                        .locations
                        .push(location(written, LocationUsed::ExternalTable));
                }
                let defaults = create.column_defaults.values();
                let orders = create.order_exprs.iter().flatten().map(|sort| &sort.expr);
                no_subqueries(defaults.chain(orders), "CREATE EXTERNAL TABLE")?;
                self.made(&create.name, replaced(create.or_replace).1);
            }
            DdlStatement::CreateMemoryTable(create) => {
                let (sub_kind, access) = replaced(create.or_replace);
                self.kind(StatementKind::CreateTable, sub_kind);
                let defaults = create.column_defaults.iter().map(|(_, default)| default);
                no_subqueries(defaults, "CREATE TABLE")?;
                self.walk.output(&create.input)?;
                self.made(&create.name, access);
            }
            DdlStatement::CreateView(create) => {
                let (sub_kind, access) = replaced(create.or_replace);
                self.kind(StatementKind::CreateView, sub_kind);
                self.walk.output(&create.input)?;
                self.made(&create.name, access);
            }
            DdlStatement::CreateCatalogSchema(_) => self.kind(StatementKind::CreateSchema, ""),
            DdlStatement::CreateCatalog(_) => self.kind(StatementKind::CreateCatalog, ""),
            DdlStatement::CreateIndex(create) => {
                self.kind(StatementKind::CreateIndex, "");
                self.made(&create.table, Access::Index);
            }
            DdlStatement::DropTable(gone) => {
                self.kind(StatementKind::DropTable, "");
                self.made(&gone.name, Access::Drop);
            }
            DdlStatement::DropView(gone) => {
                self.kind(StatementKind::DropView, "");
                self.made(&gone.name, Access::Drop);
            }
            DdlStatement::DropCatalogSchema(gone) => {
                let cascade = if gone.cascade { "cascade" } else { "" };
                self.kind(StatementKind::DropSchema, cascade);
                // With it goes all that is in there.
                for table in self.walk.identities.tables_of(&gone.name) {
                    self.made(&table, Access::Drop);
                }
            }
            DdlStatement::CreateFunction(create) => {
                let sub_kind = replaced(create.or_replace).0;
                self.kind(StatementKind::CreateFunction, sub_kind);
                let arguments = create.args.iter().flatten();
                let defaults = arguments.filter_map(|argument| argument.default_expr.as_ref());
                no_subqueries(
                    defaults.chain(&create.params.function_body),
                    "CREATE FUNCTION",
                )?;
                self.function(&create.name);
            }
            DdlStatement::DropFunction(gone) => {
                self.kind(StatementKind::DropFunction, "");
                self.function(&gone.name);
            }
        }
        Ok(())
    }

    fn session(&mut self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::SetVariable(set) => {
                self.kind(StatementKind::Set, "");
                self.facts.settings.push(SettingUse {
                    key: set.variable.to_lowercase(),
                    value: Some(set.value.clone()),
                });
            }
            Statement::ResetVariable(reset) => {
                self.kind(StatementKind::Reset, "");
                self.facts.settings.push(SettingUse {
                    key: reset.variable.to_lowercase(),
                    value: None,
                });
            }
            Statement::Prepare(prepare) => {
                self.kind(StatementKind::Prepare, "");
                self.statement(&prepare.input)?;
            }
            Statement::Execute(execute) => {
                self.kind(StatementKind::Execute, "");
                no_subqueries(&execute.parameters, "EXECUTE")?;
            }
            Statement::Deallocate(_) => self.kind(StatementKind::Deallocate, ""),
            Statement::TransactionStart(_) | Statement::TransactionEnd(_) => {
                self.kind(StatementKind::Transaction, "");
            }
        }
        Ok(())
    }

    fn function(&mut self, name: &str) {
        self.facts.functions.push(FunctionUse {
            name: name.to_owned(),
            class: FunctionClass::Named,
        });
    }

    /// A table that DDL names; there may be none of the name.
    fn made(&mut self, name: &TableReference, access: Access) {
        let identified = self.walk.identities.by_name(name);
        let schema = Arc::new(Schema::empty());
        let position = self.walk.records.position(identified, schema);
        let record = &mut self.walk.records.tables[position];
        record.access.insert(access);
        record.named = true;
    }

    fn named(
        &mut self,
        name: &TableReference,
        source: &Arc<dyn TableSource>,
        access: Access,
    ) -> Option<usize> {
        let identified = self.walk.identities.of(name, source)?;
        let position = self.walk.records.position(identified, source.schema());
        let record = &mut self.walk.records.tables[position];
        record.access.insert(access);
        record.named = true;
        Some(position)
    }

    /// Tables whose columns the statement shows, which its plan no longer names.
    fn described(&mut self, syntax: &Syntax) -> Result<()> {
        let shows =
            |kind: &StatementKind| matches!(kind, StatementKind::Describe | StatementKind::Show);
        if !syntax.kinds.iter().any(shows) {
            return Ok(());
        }
        // SHOW reads the information schema, of which its plan knows.
        let others = |id: &&TableId| id.schema != INFORMATION_SCHEMA;
        for id in syntax.tables.iter().filter(others) {
            let identified = self.walk.identities.seen(id);
            let provider = identified.provider.as_ref();
            let schema = provider.map_or_else(|| Arc::new(Schema::empty()), |p| p.schema());
            let position = self.walk.records.position(identified, schema);
            let record = &mut self.walk.records.tables[position];
            record.access.insert(Access::Describe);
            record.named = true;
        }
        Ok(())
    }
}

/// Refuses what holds a query in a place that DataFusion does not walk.
fn no_subqueries<'e>(exprs: impl IntoIterator<Item = &'e Expr>, place: &str) -> Result<()> {
    for expr in exprs {
        let mut found = false;
        expr.apply(|part| {
            found |= matches!(
                part,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
            );
            Ok(TreeNodeRecursion::Continue)
        })?;
        if found {
            let problem = format!("{place} has a subquery, which is not governed there");
            return Err(PolicyRefusal::Ungovernable { problem }.into());
        }
    }
    Ok(())
}
