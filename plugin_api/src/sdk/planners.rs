//! An author's planners.

mod expression;
mod hooks;
mod relation;
mod types;

use std::sync::Arc;

use datafusion_expr::planner::{ExprPlanner, RelationPlanner, TypePlanner};

use super::{Plugin, instance::none, plans::Own};
use crate::{
    abi::{
        CallError, ExpressionPlannerObject, RelationPlannerObject, TypePlannerObject, drop_each,
        message::{Exports, PlannerDescriptor},
    },
    df55::planners::{ExpressionHookKind, RelationKind},
};

/// A planner as exported.
#[derive(Debug)]
pub(super) struct PlannerEntry<T: ?Sized> {
    descriptor: PlannerDescriptor,
    planner: Arc<T>,
}

impl<T: ?Sized> Clone for PlannerEntry<T> {
    fn clone(&self) -> Self {
        Self {
            descriptor: self.descriptor.clone(),
            planner: Arc::clone(&self.planner),
        }
    }
}

impl<T: ?Sized> PlannerEntry<T> {
    fn new(name: impl Into<String>, planner: Arc<T>) -> Self {
        let descriptor = PlannerDescriptor {
            name: name.into(),
            interests: None,
        };
        Self {
            descriptor,
            planner,
        }
    }
}

/// The planners of a plugin, of each kind in the order in which they are asked.
#[derive(Debug, Default)]
pub(super) struct Planners {
    relations: Vec<PlannerEntry<dyn RelationPlanner>>,
    expressions: Vec<PlannerEntry<dyn ExprPlanner>>,
    types: Vec<PlannerEntry<dyn TypePlanner>>,
}

impl Plugin {
    /// Exports a relation planner. The plugin's planners are asked in the order of export; one that
    /// returns `Original` leaves the relation as it was written to the next.
    pub fn relation_planner(
        mut self,
        name: impl Into<String>,
        planner: Arc<dyn RelationPlanner>,
    ) -> Self {
        let entry = PlannerEntry::new(name, planner);
        self.planners.relations.push(entry);
        self
    }

    /// Has the relation planner exported last asked about these kinds of relations alone. Others
    /// then cost it nothing.
    pub fn planning_relations(mut self, kinds: impl IntoIterator<Item = RelationKind>) -> Self {
        if let Some(entry) = self.planners.relations.last_mut() {
            let kinds = kinds.into_iter().map(|kind| kind.name().to_owned());
            entry.descriptor.interests = Some(kinds.collect());
        }
        self
    }

    /// Exports an expression planner. The plugin's planners are asked in the order of export,
    /// before DataFusion's own.
    pub fn expr_planner(mut self, name: impl Into<String>, planner: Arc<dyn ExprPlanner>) -> Self {
        let entry = PlannerEntry::new(name, planner);
        self.planners.expressions.push(entry);
        self
    }

    /// Has the expression planner exported last asked by these hooks alone. Others then cost it
    /// nothing.
    pub fn planning_hooks(mut self, hooks: impl IntoIterator<Item = ExpressionHookKind>) -> Self {
        if let Some(entry) = self.planners.expressions.last_mut() {
            let hooks = hooks.into_iter().map(|hook| hook.name().to_owned());
            entry.descriptor.interests = Some(hooks.collect());
        }
        self
    }

    /// Exports a type planner. The plugin's planners are asked in the order of export, before the
    /// one that the session has.
    pub fn type_planner(mut self, name: impl Into<String>, planner: Arc<dyn TypePlanner>) -> Self {
        let entry = PlannerEntry::new(name, planner);
        self.planners.types.push(entry);
        self
    }
}

impl Planners {
    /// The names of each kind.
    pub(super) fn names(&self) -> [(&'static str, Vec<&str>); 3] {
        fn names<T: ?Sized>(entries: &[PlannerEntry<T>]) -> Vec<&str> {
            entries.iter().map(|e| e.descriptor.name.as_str()).collect()
        }
        [
            ("relation planners", names(&self.relations)),
            ("expression planners", names(&self.expressions)),
            ("type planners", names(&self.types)),
        ]
    }

    pub(super) fn describe(&self, exports: &mut Exports) {
        fn descriptors<T: ?Sized>(entries: &[PlannerEntry<T>]) -> Vec<PlannerDescriptor> {
            entries
                .iter()
                .map(|entry| entry.descriptor.clone())
                .collect()
        }
        exports.relation_planners = descriptors(&self.relations);
        exports.expression_planners = descriptors(&self.expressions);
        exports.type_planners = descriptors(&self.types);
    }

    pub(super) fn relation(
        &self,
        position: usize,
        own: Own,
    ) -> Result<RelationPlannerObject, CallError> {
        match self.relations.get(position) {
            Some(entry) => Ok(relation::object(entry.clone(), own)),
            None => none("relation planner", position),
        }
    }

    pub(super) fn expression(
        &self,
        position: usize,
        own: Own,
    ) -> Result<ExpressionPlannerObject, CallError> {
        match self.expressions.get(position) {
            Some(entry) => Ok(expression::object(entry.clone(), own)),
            None => none("expression planner", position),
        }
    }

    pub(super) fn types(&self, position: usize) -> Result<TypePlannerObject, CallError> {
        match self.types.get(position) {
            Some(entry) => Ok(types::object(entry.clone())),
            None => none("type planner", position),
        }
    }
}

impl Drop for Planners {
    fn drop(&mut self) {
        fn name<T: ?Sized>(entry: &PlannerEntry<T>) -> String {
            entry.descriptor.name.clone()
        }
        drop_each(std::mem::take(&mut self.relations), name);
        drop_each(std::mem::take(&mut self.expressions), name);
        drop_each(std::mem::take(&mut self.types), name);
    }
}
