//! What the text of a statement says: what its plan no longer knows, and what is to be known before
//! there is a plan.

use std::{collections::BTreeSet, ops::ControlFlow};

use datafusion::{
    catalog::MemorySchemaProvider,
    common::Result,
    execution::SessionState,
    sql::{
        parser::{CopyToSource, Statement as DFStatement},
        sqlparser::ast::{
            Expr, Function, Ident, ObjectName, ObjectNamePart, Set, Statement, TableFactor, Visit,
            Visitor,
        },
    },
};
use datafusion_plugin_api::abi::message::{
    Access, FunctionClass, FunctionUse, LocationUse, LocationUsed, RelationKind, SettingUse, Stage,
    StatementFacts, StatementKind, TableUse,
};

use super::{super::guard::TableId, location};

/// What a statement's text says.
#[derive(Debug, Default, Clone)]
pub(in super::super) struct Syntax {
    /// The kind, and those of the statements inside.
    pub(in super::super) kinds: Vec<StatementKind>,
    /// Names in the place of tables, resolved, with those of table functions left out.
    pub(in super::super) tables: Vec<TableId>,
    /// Functions by the names that the statement has for them.
    pub(in super::super) functions: BTreeSet<String>,
    /// Those in `FROM`.
    pub(in super::super) table_functions: BTreeSet<String>,
    /// Locations of `COPY` and `CREATE EXTERNAL TABLE`.
    pub(in super::super) locations: Vec<LocationUse>,
    /// Names that DDL has, in which case there need be no table.
    made: BTreeSet<String>,
    /// Settings.
    pub(in super::super) settings: Vec<SettingUse>,
}

impl Syntax {
    pub(in super::super) fn of(state: &SessionState, statement: &DFStatement) -> Result<Self> {
        let mut syntax = Self::default();
        syntax.statement(statement);
        let defaults = &state.config_options().catalog;
        for reference in state.resolve_table_references(statement)? {
            let resolved = reference.resolve(&defaults.default_catalog, &defaults.default_schema);
            if syntax.table_functions.contains(&*resolved.table) {
                continue;
            }
            syntax.tables.push(TableId {
                catalog: resolved.catalog.to_string(),
                schema: resolved.schema.to_string(),
                table: resolved.table.to_string(),
            });
        }
        Ok(syntax)
    }

    /// Names that are no table's, so that a catalog that takes a name for a location would read it.
    pub(in super::super) fn unknown_tables<'a>(
        &'a self,
        state: &'a SessionState,
    ) -> impl Iterator<Item = &'a TableId> {
        let is_unknown = |id: &&TableId| {
            let catalog = state.catalog_list().catalog(&id.catalog);
            let schema = catalog.and_then(|catalog| catalog.schema(&id.schema));
            // A schema in memory has its tables and no others.
            schema.is_some_and(|schema| {
                !schema.is::<MemorySchemaProvider>() && !schema.table_exist(&id.table)
            })
        };
        let named = self.tables.iter();
        named
            .filter(|id| !self.made.contains(&id.table))
            .filter(is_unknown)
    }

    /// The facts, as far as the text tells.
    pub(in super::super) fn facts(&self, is_location: impl Fn(&TableId) -> bool) -> StatementFacts {
        let mut locations = self.locations.clone();
        let mut tables = Vec::new();
        for id in &self.tables {
            let is_location = is_location(id);
            if is_location {
                locations.push(location(&id.table, LocationUsed::Read));
            }
            tables.push(TableUse {
                catalog: id.catalog.clone(),
                schema: id.schema.clone(),
                table: id.table.clone(),
                relation: match is_location {
                    true => RelationKind::Location,
                    false => RelationKind::Table,
                },
                access: vec![self.access()],
                named: true,
                ..TableUse::default()
            });
        }
        let mut kinds = self.kinds.iter().copied();
        StatementFacts {
            stage: Stage::Parsed,
            kind: kinds.next().unwrap_or_default(),
            inner: kinds.collect(),
            tables,
            functions: self.function_uses().collect(),
            locations,
            settings: self.settings.clone(),
            ..StatementFacts::default()
        }
    }

    pub(in super::super) fn function_uses(&self) -> impl Iterator<Item = FunctionUse> + '_ {
        let of = |class| {
            move |name: &String| FunctionUse {
                name: name.clone(),
                class,
            }
        };
        let called = self.functions.iter().map(of(FunctionClass::Named));
        called.chain(self.table_functions.iter().map(of(FunctionClass::Table)))
    }

    /// What may be done to the tables: reading is not told from the rest here.
    fn access(&self) -> Access {
        match self.kinds.last() {
            Some(StatementKind::Describe | StatementKind::Show) => Access::Describe,
            Some(StatementKind::Insert) => Access::Insert,
            Some(StatementKind::Update) => Access::Update,
            Some(StatementKind::Delete) => Access::Delete,
            Some(StatementKind::Truncate) => Access::Truncate,
            Some(StatementKind::Merge) => Access::Merge,
            Some(StatementKind::DropTable | StatementKind::DropView) => Access::Drop,
            _ => Access::Read,
        }
    }

    fn statement(&mut self, statement: &DFStatement) {
        match statement {
            DFStatement::Statement(statement) => self.sql(statement),
            DFStatement::Explain(explain) => {
                self.kinds.push(StatementKind::Explain);
                self.statement(&explain.statement);
            }
            DFStatement::CreateExternalTable(create) => {
                self.kinds.push(StatementKind::CreateExternalTable);
                self.makes(&create.name);
                let locations = create
                    .locations
                    .iter()
                    .map(|written| location(written, LocationUsed::ExternalTable));
                self.locations.extend(locations);
            }
            DFStatement::CopyTo(copy) => {
                self.kinds.push(StatementKind::Copy);
                self.locations
                    .push(location(&copy.target, LocationUsed::Copy));
                if let CopyToSource::Query(query) = &copy.source {
                    let _ = query.visit(&mut Calls(self));
                }
            }
            DFStatement::Reset(_) => self.kinds.push(StatementKind::Reset),
        }
    }

    fn sql(&mut self, statement: &Statement) {
        self.kinds.push(kind(statement));
        match statement {
            // The inner one has its own kind; its calls are found from here.
            Statement::Explain { statement, .. } | Statement::Prepare { statement, .. } => {
                self.kinds.push(kind(statement));
            }
            Statement::Set(Set::SingleAssignment {
                variable, values, ..
            }) => self.settings.push(SettingUse {
                key: variable.to_string().to_lowercase(),
                value: values.first().map(ToString::to_string),
            }),
            Statement::CreateTable(create) => self.makes(&create.name),
            Statement::CreateView(create) => self.makes(&create.name),
            Statement::Drop { names, .. } => names.iter().for_each(|name| self.makes(name)),
            _ => {}
        }
        let _ = statement.visit(&mut Calls(self));
    }

    fn makes(&mut self, name: &ObjectName) {
        if let Some(ObjectNamePart::Identifier(last)) = name.0.last() {
            self.made.insert(normal(last));
        }
    }
}

fn kind(statement: &Statement) -> StatementKind {
    match statement {
        Statement::Query(_) => StatementKind::Query,
        Statement::Explain { describe_alias, .. }
        | Statement::ExplainTable { describe_alias, .. } => {
            use datafusion::sql::sqlparser::ast::DescribeAlias;
            match describe_alias {
                DescribeAlias::Explain => StatementKind::Explain,
                _ => StatementKind::Describe,
            }
        }
        Statement::ShowVariable { .. }
        | Statement::ShowVariables { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowFunctions { .. }
        | Statement::ShowCreate { .. }
        | Statement::ShowCatalogs { .. }
        | Statement::ShowDatabases { .. }
        | Statement::ShowSchemas { .. }
        | Statement::ShowViews { .. }
        | Statement::ShowObjects { .. }
        | Statement::ShowStatus { .. }
        | Statement::ShowCollation { .. } => StatementKind::Show,
        Statement::Insert(_) => StatementKind::Insert,
        Statement::Update(_) => StatementKind::Update,
        Statement::Delete(_) => StatementKind::Delete,
        Statement::Truncate(_) => StatementKind::Truncate,
        Statement::Merge(_) => StatementKind::Merge,
        Statement::CreateTable(_) => StatementKind::CreateTable,
        Statement::CreateView(_) => StatementKind::CreateView,
        Statement::CreateSchema { .. } => StatementKind::CreateSchema,
        Statement::CreateDatabase { .. } => StatementKind::CreateCatalog,
        Statement::CreateIndex(_) => StatementKind::CreateIndex,
        Statement::CreateFunction(_) => StatementKind::CreateFunction,
        Statement::DropFunction(_) => StatementKind::DropFunction,
        Statement::Drop { object_type, .. } => {
            use datafusion::sql::sqlparser::ast::ObjectType;
            match object_type {
                ObjectType::Table => StatementKind::DropTable,
                ObjectType::View => StatementKind::DropView,
                ObjectType::Schema => StatementKind::DropSchema,
                _ => StatementKind::Other,
            }
        }
        Statement::Prepare { .. } => StatementKind::Prepare,
        Statement::Execute { .. } => StatementKind::Execute,
        Statement::Deallocate { .. } => StatementKind::Deallocate,
        Statement::Set(_) => StatementKind::Set,
        Statement::Reset(_) => StatementKind::Reset,
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. } => StatementKind::Transaction,
        _ => StatementKind::Other,
    }
}

/// Collects calls.
struct Calls<'a>(&'a mut Syntax);

impl Calls<'_> {
    fn from(&mut self, name: &ObjectName) {
        let known = &mut self.0.table_functions;
        known.insert(dotted(name));
        // DataFusion takes one part of the name, as it is written, and leaves the others.
        for part in &name.0 {
            if let ObjectNamePart::Identifier(part) = part {
                known.insert(normal(part));
                known.insert(part.value.clone());
            }
        }
    }

    fn function(&mut self, function: &Function) {
        self.0.functions.insert(dotted(&function.name));
    }
}

impl Visitor for Calls<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table {
                name,
                args: Some(_),
                ..
            }
            | TableFactor::Function { name, .. } => self.from(name),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            self.function(function);
        }
        ControlFlow::Continue(())
    }
}

fn dotted(name: &ObjectName) -> String {
    let parts = name.0.iter().map(|part| match part {
        ObjectNamePart::Identifier(ident) => normal(ident),
        other => other.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

fn normal(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}
