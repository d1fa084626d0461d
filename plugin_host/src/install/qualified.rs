//! `FROM plugin.function(...)`: DataFusion looks a table function up by the first identifier of its
//! name alone, so a planner joins the identifiers before.

use std::sync::{Arc, LazyLock};

use datafusion::{
    common::Result,
    logical_expr::planner::{RelationPlanner, RelationPlannerContext, RelationPlanning},
    sql::sqlparser::ast::{Ident, ObjectName, ObjectNamePart, TableFactor},
};

/// The planner; one for the process, so that a session can be seen to have it.
pub(super) fn planner() -> &'static Arc<dyn RelationPlanner> {
    static PLANNER: LazyLock<Arc<dyn RelationPlanner>> =
        LazyLock::new(|| Arc::new(QualifiedTableFunctions));
    &PLANNER
}

#[derive(Debug)]
struct QualifiedTableFunctions;

impl RelationPlanner for QualifiedTableFunctions {
    fn plan_relation(
        &self,
        mut relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if let TableFactor::Table { name, args: Some(_), .. } = &mut relation
            && let [plugin, function] = name.0.as_slice()
            && let (Some(plugin), Some(function)) = (plugin.as_ident(), function.as_ident())
        {
            let plugin = context.normalize_ident(plugin.clone());
            let function = context.normalize_ident(function.clone());
            // Unquoted, as DataFusion takes the identifier as it is written.
            let joined = Ident::new(format!("{plugin}.{function}"));
            *name = ObjectName(vec![ObjectNamePart::Identifier(joined)]);
        }
        Ok(RelationPlanning::Original(Box::new(relation)))
    }
}
