//! The author's side: from DataFusion's own traits to an exported plugin.

mod accumulator;
mod aggregate;
mod arguments;
mod arrays;
#[cfg(feature = "tables")]
mod catalog;
mod completion;
mod export;
#[cfg(feature = "tables")]
mod expressions;
#[cfg(feature = "function-factory")]
mod function_factory;
mod functions;
mod groups_accumulator;
#[cfg(feature = "tables")]
mod input;
mod instance;
mod interned;
mod log;
#[cfg(feature = "tables")]
mod memory;
mod options;
mod partition_evaluator;
mod pending;
#[cfg(feature = "planners")]
mod planners;
#[cfg(feature = "plans")]
mod plans;
mod plugin;
mod policy;
#[cfg(feature = "rules")]
mod rules;
mod runtime;
mod scalar;
#[cfg(feature = "tables")]
mod scan;
#[cfg(feature = "tables")]
mod session;
#[cfg(feature = "tables")]
mod stream;
#[cfg(feature = "tables")]
mod table;
#[cfg(feature = "tables")]
mod table_factory;
#[cfg(feature = "tables")]
mod table_function;
mod window;

pub use self::log::HostSubscriber;
#[cfg(feature = "function-factory")]
pub use export::FUNCTION_FACTORIES_NEED_FEATURE_FUNCTION_FACTORY;
#[cfg(feature = "simplify")]
pub use export::SIMPLIFY_NEEDS_FEATURE_SIMPLIFY;
#[cfg(feature = "table-expressions")]
pub use export::TABLE_EXPRESSIONS_NEED_FEATURE_TABLE_EXPRESSIONS;
pub use export::{ActivationContext, Author, activate, declares_simplify};
#[cfg(feature = "planners")]
pub use export::{
    EXPR_PLANNERS_NEED_FEATURE_PLANNERS, RELATION_PLANNERS_NEED_FEATURE_PLANNERS,
    TYPE_PLANNERS_NEED_FEATURE_PLANNERS,
};
pub use plugin::{AsyncScalarOptions, Plugin};
pub use policy::Policy;
pub use runtime::runtime;
#[cfg(feature = "tables")]
pub use stream::StreamedTable;
#[cfg(feature = "rules")]
pub use {
    export::{
        ANALYZER_RULES_NEED_FEATURE_RULES, OPTIMIZER_RULES_NEED_FEATURE_RULES,
        PHYSICAL_OPTIMIZER_RULES_NEED_FEATURE_RULES,
    },
    rules::Rule,
};
