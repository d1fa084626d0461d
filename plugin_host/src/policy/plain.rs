//! What can be guarded of a plain session: its queries, by an analyzer rule, and its catalogs.
//!
//! DataFusion runs DDL and `SET` without the analyzer, and calls table functions and factories while
//! it plans. Of these only what reaches a catalog is seen here; `docs/policy.md` says what is not.

mod catalog;

use std::{fmt, sync::Arc};

use datafusion::{
    catalog::{CatalogProviderList, MemoryCatalogProviderList},
    common::{Result, config::ConfigOptions},
    execution::{SessionState, SessionStateBuilder, SessionStateDefaults},
    logical_expr::LogicalPlan,
    optimizer::AnalyzerRule,
};

use self::catalog::PlainCatalogs;
use super::{
    Copied, SharedGuard, Subject,
    facts::{self, Identities},
    lists::{Guards, Lists},
    release::{Purpose, Release},
    restricted::sql_state,
};

/// The rule's name.
pub(crate) const RULE: &str = "plugin_policies";

/// Guards a live session, and yields the copies of its state that stay. Guarding again changes nothing: who was
/// named first stays.
pub(crate) fn install(
    state: &mut SessionState,
    guard: &Arc<SharedGuard>,
    subject: &Subject,
) -> Vec<Copied> {
    if is_guarded(state) {
        return Vec::new();
    }
    let inner = Arc::clone(state.catalog_list());
    let lists = Arc::new(Lists::new(
        Arc::new(state.clone()),
        Guards::Shared(Arc::clone(guard)),
        subject.clone(),
    ));
    state.register_catalog_list(Arc::new(PlainCatalogs::new(inner, Arc::clone(&lists))));
    let rule = PolicyRule::new(lists);
    let copies = rule.copies();
    state.add_analyzer_rule(Arc::new(rule));
    copies
}

/// Guards what a builder builds. Conditions and masks of policies know DataFusion's own functions and
/// those that the builder has by now.
pub(crate) fn install_into(
    mut builder: SessionStateBuilder,
    guard: &Arc<SharedGuard>,
    subject: &Subject,
) -> (SessionStateBuilder, Vec<Copied>) {
    let config = builder.config().take().unwrap_or_default();
    let inner = builder
        .catalog_list()
        .take()
        .unwrap_or_else(|| Arc::new(MemoryCatalogProviderList::new()));
    // The builder would make the default catalog at its end, which policies might not let it.
    if config.create_default_catalog_and_schema() {
        let runtime = builder.runtime_env().clone().unwrap_or_default();
        let factories = builder.table_factories().clone().unwrap_or_default();
        let catalog = SessionStateDefaults::default_catalog(&config, &factories, &runtime);
        let name = config.options().catalog.default_catalog.clone();
        inner.register_catalog(name, Arc::new(catalog));
    }
    let config = config.with_create_default_catalog_and_schema(false);
    let mut state = SessionStateBuilder::new_with_default_features()
        .with_config(config.clone())
        .with_catalog_list(Arc::clone(&inner))
        .build();
    for function in builder.scalar_functions().iter().flatten() {
        use datafusion::execution::FunctionRegistry;
        // A session's own registry takes every function.
        drop(state.register_udf(Arc::clone(function)));
    }
    let lists = Arc::new(Lists::new(
        Arc::new(state),
        Guards::Shared(Arc::clone(guard)),
        subject.clone(),
    ));
    let catalogs = PlainCatalogs::new(inner, Arc::clone(&lists));
    *builder.config() = Some(config);
    let rule = PolicyRule::new(lists);
    let copies = rule.copies();
    let builder = builder
        .with_catalog_list(Arc::new(catalogs))
        .with_analyzer_rule(Arc::new(rule));
    (builder, copies)
}

pub(crate) fn is_guarded(state: &SessionState) -> bool {
    let rules = &state.analyzer().rules;
    rules.iter().any(|rule| rule.name() == RULE)
}

/// The catalogs under the guard of a plain session; `None` for one without a guard.
pub(crate) fn unguarded(state: &SessionState) -> Option<Arc<dyn CatalogProviderList>> {
    is_guarded(state).then(|| Arc::clone(registered(state)))
}

/// The catalogs that were registered with the session, under any guard.
pub(crate) fn registered(state: &SessionState) -> &Arc<dyn CatalogProviderList> {
    let catalogs = state.catalog_list();
    let plain = catalogs.downcast_ref::<PlainCatalogs>();
    plain.map_or(catalogs, PlainCatalogs::inner)
}

/// Decides on every query that the session optimizes.
struct PolicyRule {
    lists: Arc<Lists>,
    /// In which the SQL of policies is read.
    sql: Copied,
}

impl PolicyRule {
    fn new(lists: Arc<Lists>) -> Self {
        let sql = Copied::new(Arc::new(sql_state(&lists.state().now())));
        Self { lists, sql }
    }

    fn copies(&self) -> Vec<Copied> {
        vec![self.lists.state().clone(), self.sql.clone()]
    }
}

impl fmt::Debug for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(RULE)
    }
}

impl AnalyzerRule for PolicyRule {
    fn name(&self) -> &str {
        RULE
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let lists = &self.lists;
        let guard = lists.guard();
        guard.check_complete()?;
        let (state, sql) = (lists.state().now(), self.sql.now());
        let mut identities = Identities::new(&state, lists.home());
        let plan = identities.closed(plan)?;
        let facts = facts::gather(&plan, None, &mut identities, &guard)?;
        let restrictions = lists.decide_by(&guard, facts)?;
        let mut release = Release {
            state: &state,
            sql: &sql,
            identities: &mut identities,
            restrictions: &restrictions,
            purpose: Purpose::Run,
            catalogs: None,
        };
        release.plan(plan)
    }
}
