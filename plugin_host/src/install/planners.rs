//! Planners of plugins in a session, live or being built.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    execution::{SessionState, session_state::SessionStateBuilder},
    logical_expr::{
        AggregateUDF, ScalarUDF, WindowUDF,
        planner::{ExprPlanner, RelationPlanner, TypePlanner},
    },
};

use super::{replace::Swap, rules};
use crate::import::{
    imported::Named,
    planner::{PluginExprPlanner, PluginRelationPlanner, PluginTypePlanner, TypePlanners},
};

/// What an install adds: each kind in the order in which its planners are asked, which is that of
/// the plugins and inside of a plugin that of its exports.
#[derive(Debug, Default)]
pub(super) struct NewPlanners {
    pub(super) relations: Vec<Arc<PluginRelationPlanner>>,
    pub(super) expressions: Vec<Arc<PluginExprPlanner>>,
    pub(super) types: Vec<Arc<PluginTypePlanner>>,
}

impl NewPlanners {
    pub(super) fn of(registrations: &[Named]) -> Self {
        let mut planners = Self::default();
        for named in registrations {
            match named {
                Named::RelationPlanner(planner) => planners.relations.push(Arc::clone(planner)),
                Named::ExprPlanner(planner) => planners.expressions.push(Arc::clone(planner)),
                Named::TypePlanner(planner) => planners.types.push(Arc::clone(planner)),
                _ => {}
            }
        }
        planners
    }

    pub(super) fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.expressions.is_empty() && self.types.is_empty()
    }

    /// Into a live session.
    pub(super) fn register_live(self, state: &mut SessionState) {
        // A session puts a new relation planner before those that it has.
        for planner in self.relations.iter().rev().cloned() {
            drop(state.register_relation_planner(planner));
        }
        if self.expressions.is_empty() && self.types.is_empty() {
            return;
        }
        let Self {
            expressions, types, ..
        } = self;
        rebuild(state, |builder| {
            let list = builder.expr_planners().get_or_insert_default();
            list.splice(
                0..0,
                expressions
                    .into_iter()
                    .map(|planner| planner as Arc<dyn ExprPlanner>),
            );
            if !types.is_empty() {
                let slot = builder.type_planner().take();
                *builder.type_planner() = Some(TypePlanners::before(types, slot));
            }
        });
    }
}

/// Whether `planner` is one of these lists.
pub(super) fn is_among(
    planner: &Named,
    relations: &[Arc<dyn RelationPlanner>],
    expressions: &[Arc<dyn ExprPlanner>],
) -> bool {
    match planner {
        Named::RelationPlanner(planner) => relations.iter().any(|known| same(known, planner)),
        Named::ExprPlanner(planner) => expressions.iter().any(|known| same(known, planner)),
        _ => false,
    }
}

/// Planners and rules cannot be asked for their types; one object serves all sessions.
pub(super) fn same<T: ?Sized, U: ?Sized>(known: &Arc<T>, own: &Arc<U>) -> bool {
    Arc::as_ptr(known).cast::<()>() == Arc::as_ptr(own).cast::<()>()
}

/// Whether `planner` is among those composed in `slot`.
pub(super) fn is_type_planner(planner: &Named, slot: Option<&Arc<dyn TypePlanner>>) -> bool {
    match planner {
        Named::TypePlanner(planner) => slot
            .and_then(TypePlanners::of)
            .is_some_and(|composed| composed.has(planner)),
        _ => false,
    }
}

/// Puts successors into the places of planners and rules in a live session.
pub(super) fn exchange(state: &mut SessionState, swaps: &[Swap]) {
    rebuild(state, |builder| {
        let relations = builder.relation_planners().get_or_insert_default();
        Swap::within(swaps, relations, |named| match named {
            Named::RelationPlanner(planner) => Some(Arc::clone(planner) as _),
            _ => None,
        });
        let expressions = builder.expr_planners().get_or_insert_default();
        Swap::within(swaps, expressions, |named| match named {
            Named::ExprPlanner(planner) => Some(Arc::clone(planner) as _),
            _ => None,
        });
        if let Some(slot) = builder.type_planner().take() {
            let successor = |known: &Arc<PluginTypePlanner>| {
                Swap::of(swaps, known, |named| match named {
                    Named::TypePlanner(planner) => Some(Arc::clone(planner)),
                    _ => None,
                })
            };
            *builder.type_planner() = TypePlanners::exchanged(slot, successor);
        }
        rules::exchange(builder, swaps);
    });
}

/// Builds the state anew with what `add` adds: a live session has no other way to put an expression
/// planner first, to set its type planner, or to place a rule.
///
/// A state with prepared statements would lose them, as they cannot be read out of it.
pub(super) fn rebuild(state: &mut SessionState, add: impl FnOnce(&mut SessionStateBuilder)) {
    let made = state
        .config_options()
        .catalog
        .create_default_catalog_and_schema;
    let mut builder = SessionStateBuilder::new_from_existing(state.clone())
        .with_session_id(state.session_id().to_owned());
    add(&mut builder);
    // The builder registers functions one after the other under all their names: what has lost a
    // name to another comes before that one.
    *builder.scalar_functions() =
        Some(losers_first(state.scalar_functions(), |udf: &ScalarUDF| {
            (udf.name().to_owned(), udf.aliases().to_vec())
        }));
    *builder.aggregate_functions() = Some(losers_first(
        state.aggregate_functions(),
        |udf: &AggregateUDF| (udf.name().to_owned(), udf.aliases().to_vec()),
    ));
    *builder.window_functions() =
        Some(losers_first(state.window_functions(), |udf: &WindowUDF| {
            (udf.name().to_owned(), udf.aliases().to_vec())
        }));
    let mut rebuilt = builder.build();
    // The builder was told that the default catalog is there already.
    let options = rebuilt.config_mut().options_mut();
    options.catalog.create_default_catalog_and_schema = made;
    *state = rebuilt;
}

fn losers_first<T>(
    functions: &HashMap<String, Arc<T>>,
    names: impl Fn(&T) -> (String, Vec<String>),
) -> Vec<Arc<T>> {
    let mut each: Vec<&Arc<T>> = Vec::new();
    for function in functions.values() {
        if !each.iter().any(|known| Arc::ptr_eq(known, function)) {
            each.push(function);
        }
    }
    let keeps_all = |function: &&Arc<T>| {
        let (name, aliases) = names(function);
        std::iter::once(&name).chain(&aliases).all(|name| {
            functions
                .get(name)
                .is_some_and(|owner| Arc::ptr_eq(owner, function))
        })
    };
    let (keepers, losers): (Vec<_>, Vec<_>) = each.into_iter().partition(keeps_all);
    losers.into_iter().chain(keepers).cloned().collect()
}
