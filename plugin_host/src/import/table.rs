//! A plugin's tables, and the functions and factories that yield them.

mod factory;
mod filters;
mod function;
mod input;
mod insert;
mod memory;
mod opening;
mod planned;
mod provider;
mod scan;
mod stream;
mod whole;

pub(crate) use factory::PluginTableFactory;
pub(crate) use function::{PluginTableFunction, TableFunction};
pub(crate) use opening::open;
pub(crate) use provider::PluginTable;
pub(crate) use whole::whole_statements;
