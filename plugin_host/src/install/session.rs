//! The functions of a session, live or being built.

use std::sync::Arc;

use datafusion::{
    catalog::{TableFunction, TableFunctionImpl},
    execution::{FunctionRegistry, SessionState, session_state::SessionStateBuilder},
    logical_expr::{AggregateUDF, ScalarUDF, WindowUDF, planner::RelationPlanner},
};

use super::names::Namespace;
use crate::import::{imported::Named, table::PluginTableFunction};

/// Where functions are looked up and registered.
pub(super) trait Functions {
    fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>>;
    fn aggregate(&self, name: &str) -> Option<&Arc<AggregateUDF>>;
    fn window(&self, name: &str) -> Option<&Arc<WindowUDF>>;
    fn table(&self, name: &str) -> Option<&Arc<TableFunction>>;
    fn register(&mut self, named: Named);
    /// Registers the planner once, however often it is called.
    fn register_relation_planner(&mut self, planner: Arc<dyn RelationPlanner>);

    /// Whether the session has this function under its name and aliases.
    fn has(&self, named: &Named) -> bool {
        let all = |name: &str, aliases: &[String], found: &dyn Fn(&str) -> bool| {
            std::iter::once(name).chain(aliases.iter().map(String::as_str)).all(found)
        };
        match named {
            Named::Scalar(udf) => all(udf.name(), udf.aliases(), &|name| self.scalar(name) == Some(udf)),
            Named::Aggregate(udf) => {
                all(udf.name(), udf.aliases(), &|name| self.aggregate(name) == Some(udf))
            }
            Named::Window(udf) => all(udf.name(), udf.aliases(), &|name| self.window(name) == Some(udf)),
            Named::Table(name, function) => self.has_table(name, function),
        }
    }

    fn has_table(&self, name: &str, function: &PluginTableFunction) -> bool {
        self.table(name)
            .and_then(|found| {
                let found: &dyn TableFunctionImpl = found.function().as_ref();
                (found as &dyn std::any::Any).downcast_ref::<PluginTableFunction>()
            })
            .is_some_and(|found| found == function)
    }

    /// Whether something that is none of `own` has the name.
    fn is_taken(&self, namespace: Namespace, name: &str, own: &[Named]) -> bool {
        match namespace {
            Namespace::Tables => {
                self.table(name).is_some()
                    && !own.iter().any(|own| {
                        matches!(own, Named::Table(_, function) if self.has_table(name, function))
                    })
            }
            Namespace::Functions => {
                let foreign_scalar = self.scalar(name).is_some_and(|found| {
                    !own.iter().any(|own| matches!(own, Named::Scalar(own) if own == found))
                });
                let foreign_aggregate = self.aggregate(name).is_some_and(|found| {
                    !own.iter().any(|own| matches!(own, Named::Aggregate(own) if own == found))
                });
                let foreign_window = self.window(name).is_some_and(|found| {
                    !own.iter().any(|own| matches!(own, Named::Window(own) if own == found))
                });
                foreign_scalar || foreign_aggregate || foreign_window
            }
        }
    }
}

impl Functions for SessionState {
    fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>> {
        self.scalar_functions().get(name)
    }

    fn aggregate(&self, name: &str) -> Option<&Arc<AggregateUDF>> {
        self.aggregate_functions().get(name)
    }

    fn window(&self, name: &str) -> Option<&Arc<WindowUDF>> {
        self.window_functions().get(name)
    }

    fn table(&self, name: &str) -> Option<&Arc<TableFunction>> {
        self.table_functions().get(name)
    }

    fn register(&mut self, named: Named) {
        // A session's own registry takes every function: these results are always `Ok`.
        match named {
            Named::Scalar(udf) => drop(self.register_udf(udf)),
            Named::Aggregate(udf) => drop(self.register_udaf(udf)),
            Named::Window(udf) => drop(self.register_udwf(udf)),
            Named::Table(name, function) => self.register_udtf(&name, function),
        }
    }

    fn register_relation_planner(&mut self, planner: Arc<dyn RelationPlanner>) {
        if !self.relation_planners().iter().any(|known| Arc::ptr_eq(known, &planner)) {
            drop(SessionState::register_relation_planner(self, planner));
        }
    }
}

/// A list of a builder: the last function of a name is the one that is built.
macro_rules! last_named {
    ($list:expr, $name:expr) => {
        $list.iter().rev().find(|udf| udf.name() == $name || udf.aliases().iter().any(|a| a == $name))
    };
}

/// The lists of a builder can be read through `&mut` alone, so they stand here until committed.
pub(super) struct Building {
    scalar: Vec<Arc<ScalarUDF>>,
    aggregate: Vec<Arc<AggregateUDF>>,
    window: Vec<Arc<WindowUDF>>,
    table: std::collections::HashMap<String, Arc<TableFunction>>,
    relation_planners: Vec<Arc<dyn RelationPlanner>>,
}

impl Building {
    pub(super) fn take(builder: &mut SessionStateBuilder) -> Self {
        Self {
            scalar: builder.scalar_functions().take().unwrap_or_default(),
            aggregate: builder.aggregate_functions().take().unwrap_or_default(),
            window: builder.window_functions().take().unwrap_or_default(),
            table: builder.table_functions().take().unwrap_or_default(),
            relation_planners: builder.relation_planners().take().unwrap_or_default(),
        }
    }

    pub(super) fn put_back(self, builder: &mut SessionStateBuilder) {
        *builder.scalar_functions() = Some(self.scalar);
        *builder.aggregate_functions() = Some(self.aggregate);
        *builder.window_functions() = Some(self.window);
        *builder.table_functions() = Some(self.table);
        *builder.relation_planners() = Some(self.relation_planners);
    }
}

impl Functions for Building {
    fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>> {
        last_named!(self.scalar, name)
    }

    fn aggregate(&self, name: &str) -> Option<&Arc<AggregateUDF>> {
        last_named!(self.aggregate, name)
    }

    fn window(&self, name: &str) -> Option<&Arc<WindowUDF>> {
        last_named!(self.window, name)
    }

    fn table(&self, name: &str) -> Option<&Arc<TableFunction>> {
        self.table.get(name)
    }

    fn register(&mut self, named: Named) {
        match named {
            Named::Scalar(udf) => self.scalar.push(udf),
            Named::Aggregate(udf) => self.aggregate.push(udf),
            Named::Window(udf) => self.window.push(udf),
            Named::Table(name, function) => {
                let function = TableFunction::new(name.clone(), function);
                self.table.insert(name, Arc::new(function));
            }
        }
    }

    fn register_relation_planner(&mut self, planner: Arc<dyn RelationPlanner>) {
        if !self.relation_planners.iter().any(|known| Arc::ptr_eq(known, &planner)) {
            self.relation_planners.insert(0, planner);
        }
    }
}
