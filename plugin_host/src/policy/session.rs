//! The way into a session that policies cannot be got round by.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use datafusion::{
    catalog::CatalogProviderList,
    common::{DataFusionError, Result},
    dataframe::DataFrame,
    execution::{SessionState, SessionStateBuilder},
    logical_expr::{DdlStatement, Execute, LogicalPlan, Statement as PlanStatement},
    prelude::SessionContext,
    sql::parser::Statement,
};
use datafusion_plugin_api::abi::message::{StatementFacts, StatementKind};

use super::{
    Copied, Guard, GuardedQuery, SharedGuard, Subject,
    catalog::{GuardedCatalogs, Planning},
    facts::{self, Identified, Identities, Syntax},
    guard::{Restrictions, TableId},
    lists::{Guards, Lists, decide},
    plain,
    prepared::PreparedStatements,
    release::{Purpose, Release},
    restricted::sql_state,
};

/// A session in which every statement is decided on by policies before it runs, whichever way it
/// comes in.
///
/// It has the catalogs and the runtime environment of the context that it was made of, and settings,
/// functions and prepared statements of its own. Nothing of it hands out the context, its state or a
/// `DataFrame`. See `docs/policy.md` for what policies are told and what becomes of what they say.
///
/// Statements are refused with a [`PolicyRefusal`](super::PolicyRefusal) when a policy denies them,
/// fails, panics, contradicts another, makes no sense, does not answer in time or is missing.
pub struct GuardedSession {
    context: SessionContext,
    /// Tables of files look their session up in there.
    _origin: SessionContext,
    prepared: PreparedStatements,
    /// In which the SQL of policies is read.
    sql: Copied,
    /// The default catalog and schema when the session began.
    home: (String, String),
    guard: Arc<SharedGuard>,
    subject: Subject,
}

impl fmt::Debug for GuardedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedSession")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl GuardedSession {
    pub(crate) fn new(context: &SessionContext, guard: Arc<SharedGuard>, subject: Subject) -> Self {
        let state = context.state();
        let catalog = &state.config_options().catalog;
        let home = (
            catalog.default_catalog.clone(),
            catalog.default_schema.clone(),
        );
        let state = unguarded(state);
        Self {
            sql: Copied::new(Arc::new(sql_state(&state))),
            context: SessionContext::new_with_state(state),
            _origin: context.clone(),
            prepared: PreparedStatements::default(),
            home,
            guard,
            subject,
        }
    }

    /// The session itself, in which the host replaces plugins, and what it keeps of it.
    pub(crate) fn states(&self) -> (&SessionContext, Copied) {
        (&self.context, self.sql.clone())
    }

    /// Who sends the statements.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Plans one statement of SQL; one without rows (DDL, `SET`, ...) has been run when this returns.
    ///
    /// # Errors
    /// A [`PolicyRefusal`](super::PolicyRefusal), or those of DataFusion.
    pub async fn sql(&self, sql: &str) -> Result<GuardedQuery> {
        self.guard.now().check_complete()?;
        let state = self.context.state();
        let dialect = state.config_options().sql_parser.dialect;
        let statement = state.sql_to_statement(sql, &dialect)?;
        self.execute_statement(statement).await
    }

    /// The statements of a text, parsed as the session's settings say.
    ///
    /// # Errors
    /// When it does not parse.
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>> {
        parse(&self.context.state(), sql)
    }

    /// As [`GuardedSession::sql`], for a statement that is parsed already.
    ///
    /// # Errors
    /// As [`GuardedSession::sql`].
    pub async fn execute_statement(&self, statement: Statement) -> Result<GuardedQuery> {
        let guard = self.guard.now();
        guard.check_complete()?;
        let state = Arc::new(self.context.state());
        let syntax = Syntax::of(&state, &statement)?;
        let locations: Vec<_> = syntax.unknown_tables(&state).cloned().collect();
        let is_location = |id: &TableId| locations.contains(id);
        // Planning would already read those, and call these.
        let early = !locations.is_empty() || !syntax.table_functions.is_empty();
        if early {
            self.decide(&guard, syntax.facts(is_location))?;
        }
        let planning = self.planning(&guard, &state, locations.iter().cloned().collect());
        let mut planner = SessionState::clone(&state);
        planner.register_catalog_list(guarded_catalogs(&state, &planning));
        let plan = match planner.statement_to_plan(statement).await {
            Ok(plan) => plan,
            // What is wrong with the statement may tell the columns of a table.
            Err(error) => {
                let mut identities = self.identities(&state).with_seen(planning.seen());
                let mut facts = syntax.facts(is_location);
                facts::add_beneath(&mut facts, planning.seen(), &mut identities, &guard)?;
                self.decide(&guard, facts)?;
                return Err(error);
            }
        };
        let seen = planning.seen();
        // The plan has no use for these any more, and the state goes with the query.
        drop((planner, planning));
        self.run(&guard, state, plan, Some(&syntax), seen).await
    }

    /// Runs a plan that was made elsewhere: by an application, or decoded from Substrait or protobuf.
    ///
    /// Its scans are told by the tables that they hold, not by their names, where a catalog in memory
    /// holds these tables too; else by their names.
    ///
    /// # Errors
    /// As [`GuardedSession::sql`].
    pub async fn execute_logical_plan(&self, plan: LogicalPlan) -> Result<GuardedQuery> {
        let guard = self.guard.now();
        guard.check_complete()?;
        let state = Arc::new(self.context.state());
        let plan = self.identities(&state).closed(plan)?;
        self.run(&guard, state, plan, None, HashMap::new()).await
    }

    async fn run(
        &self,
        guard: &Arc<Guard>,
        state: Arc<SessionState>,
        plan: LogicalPlan,
        syntax: Option<&Syntax>,
        seen: HashMap<TableId, Identified>,
    ) -> Result<GuardedQuery> {
        match plan {
            LogicalPlan::Statement(PlanStatement::Prepare(prepare)) => {
                let plan = LogicalPlan::Statement(PlanStatement::Prepare(prepare.clone()));
                self.check(guard, &state, &plan, syntax, seen)?;
                self.prepared.store(&prepare, syntax)?;
                self.done()
            }
            LogicalPlan::Statement(PlanStatement::Deallocate(deallocate)) => {
                let plan = LogicalPlan::Statement(PlanStatement::Deallocate(deallocate.clone()));
                self.check(guard, &state, &plan, syntax, seen)?;
                self.prepared.remove(&deallocate.name)?;
                self.done()
            }
            LogicalPlan::Statement(PlanStatement::Execute(execute)) => {
                self.execute_prepared(guard, &state, execute)
            }
            plan => {
                let silent = matches!(plan, LogicalPlan::Ddl(_) | LogicalPlan::Statement(_));
                let plan = self.released(guard, &state, plan, syntax, seen, &[])?;
                let frame = match silent {
                    true => self.context.execute_logical_plan(plan).await?,
                    // What the context does too, with another copy of the state.
                    false => DataFrame::new(Arc::unwrap_or_clone(state), plan),
                };
                Ok(GuardedQuery::new(frame, !silent))
            }
        }
    }

    fn execute_prepared(
        &self,
        guard: &Arc<Guard>,
        state: &Arc<SessionState>,
        execute: Execute,
    ) -> Result<GuardedQuery> {
        let plan = LogicalPlan::Statement(PlanStatement::Execute(execute.clone()));
        let prepared = match self.prepared.get(&execute.name) {
            Ok(prepared) => prepared,
            Err(error) => {
                self.check(guard, state, &plan, None, HashMap::new())?;
                return Err(error);
            }
        };
        let syntax = prepared.syntax.clone();
        let plan = prepared.with_parameters(execute, state)?;
        let around = [StatementKind::Execute];
        let syntax = syntax.as_ref();
        let plan = self.released(guard, state, plan, syntax, HashMap::new(), &around)?;
        Ok(GuardedQuery::new(
            DataFrame::new(SessionState::clone(state), plan),
            true,
        ))
    }

    fn planning(
        &self,
        guard: &Arc<Guard>,
        state: &Arc<SessionState>,
        locations: HashSet<TableId>,
    ) -> Arc<Planning> {
        let guards = Guards::Statement(Arc::clone(guard));
        let lists = Lists::new(Arc::clone(state), guards, self.subject.clone());
        let lists = lists.at_home(&self.home);
        Planning::new(Arc::new(lists), locations)
    }

    /// A statement that has been run.
    fn done(&self) -> Result<GuardedQuery> {
        Ok(GuardedQuery::new(self.context.read_empty()?, false))
    }

    /// Decides on a statement whose plan this session runs by itself.
    fn check(
        &self,
        guard: &Guard,
        state: &SessionState,
        plan: &LogicalPlan,
        syntax: Option<&Syntax>,
        seen: HashMap<TableId, Identified>,
    ) -> Result<()> {
        let mut identities = self.identities(state).with_seen(seen);
        let facts = facts::gather(plan, syntax, &mut identities, guard)?;
        self.decide(guard, facts).map(drop)
    }

    /// Decides, and puts the tables into the plan. `around` are kinds of statements that hold it.
    fn released(
        &self,
        guard: &Arc<Guard>,
        state: &Arc<SessionState>,
        plan: LogicalPlan,
        syntax: Option<&Syntax>,
        seen: HashMap<TableId, Identified>,
        around: &[StatementKind],
    ) -> Result<LogicalPlan> {
        let mut identities = self.identities(state).with_seen(seen);
        let mut facts = facts::gather(&plan, syntax, &mut identities, guard)?;
        if let [outer, between @ ..] = around {
            let kinds = between.iter().copied().chain(facts.kinds()).collect();
            (facts.kind, facts.inner) = (*outer, kinds);
        }
        let restrictions = self.decide(guard, facts)?;
        let sql = self.sql.now();
        let purpose = match &plan {
            LogicalPlan::Ddl(DdlStatement::CreateView(_)) => Purpose::Keep,
            _ => Purpose::Run,
        };
        let mut release = Release {
            state,
            sql: &sql,
            identities: &mut identities,
            restrictions: &restrictions,
            purpose,
            catalogs: Some(guarded_catalogs(
                state,
                &self.planning(guard, state, HashSet::new()),
            )),
        };
        release.plan(plan)
    }

    fn identities<'a>(&'a self, state: &'a SessionState) -> Identities<'a> {
        Identities::new(state, (&self.home.0, &self.home.1))
    }

    fn decide(&self, guard: &Guard, facts: StatementFacts) -> Result<Restrictions> {
        decide(guard, &self.subject, facts)
    }
}

fn guarded_catalogs(
    state: &SessionState,
    planning: &Arc<Planning>,
) -> Arc<dyn CatalogProviderList> {
    let catalogs = Arc::clone(state.catalog_list());
    Arc::new(GuardedCatalogs::new(catalogs, Arc::clone(planning)))
}

/// The statements of a text.
///
/// # Errors
/// When it does not parse, or in an unknown dialect.
pub(super) fn parse(state: &SessionState, sql: &str) -> Result<Vec<Statement>> {
    use datafusion::sql::{parser::DFParserBuilder, sqlparser::dialect::dialect_from_str};

    let options = &state.config_options().sql_parser;
    let dialect = options.dialect.to_string();
    let dialect = dialect_from_str(&dialect).ok_or_else(|| {
        DataFusionError::Configuration(format!("unknown SQL dialect '{dialect}'"))
    })?;
    let mut parser = DFParserBuilder::new(sql)
        .with_dialect(dialect.as_ref())
        .with_recursion_limit(options.recursion_limit.into())
        .build()?;
    Ok(parser.parse_statements()?.into_iter().collect())
}

/// The state without what guards a plain session, which would restrict a second time.
fn unguarded(state: SessionState) -> SessionState {
    let Some(catalogs) = plain::unguarded(&state) else {
        return state;
    };
    let id = state.session_id().to_owned();
    let mut builder = SessionStateBuilder::new_from_existing(state)
        .with_session_id(id)
        .with_catalog_list(catalogs);
    if let Some(analyzer) = builder.analyzer() {
        analyzer.rules.retain(|rule| rule.name() != plain::RULE);
    }
    builder.build()
}
