//! Kinds of plan nodes, which rules are interested in.

use datafusion_common::{Result, tree_node::TreeNodeRecursion};
use datafusion_expr::LogicalPlan;

macro_rules! node_kinds {
    ($($kind:ident: $name:literal, $pattern:pat),* $(,)?) => {
        /// A kind of plan node.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "as DataFusion names them")]
        pub enum NodeKind {
            $($kind,)*
        }

        impl NodeKind {
            const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The kind of a node.
            pub fn of(plan: &LogicalPlan) -> Self {
                match plan {
                    $($pattern => Self::$kind,)*
                }
            }

            /// Its name in messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

node_kinds! {
    Projection: "projection", LogicalPlan::Projection(_),
    Filter: "filter", LogicalPlan::Filter(_),
    Window: "window", LogicalPlan::Window(_),
    Aggregate: "aggregate", LogicalPlan::Aggregate(_),
    Sort: "sort", LogicalPlan::Sort(_),
    Join: "join", LogicalPlan::Join(_),
    Repartition: "repartition", LogicalPlan::Repartition(_),
    Union: "union", LogicalPlan::Union(_),
    TableScan: "table_scan", LogicalPlan::TableScan(_),
    EmptyRelation: "empty_relation", LogicalPlan::EmptyRelation(_),
    Subquery: "subquery", LogicalPlan::Subquery(_),
    SubqueryAlias: "subquery_alias", LogicalPlan::SubqueryAlias(_),
    Limit: "limit", LogicalPlan::Limit(_),
    Statement: "statement", LogicalPlan::Statement(_),
    Values: "values", LogicalPlan::Values(_),
    Explain: "explain", LogicalPlan::Explain(_),
    Analyze: "analyze", LogicalPlan::Analyze(_),
    Extension: "extension", LogicalPlan::Extension(_),
    Distinct: "distinct", LogicalPlan::Distinct(_),
    Dml: "dml", LogicalPlan::Dml(_),
    Ddl: "ddl", LogicalPlan::Ddl(_),
    Copy: "copy", LogicalPlan::Copy(_),
    DescribeTable: "describe_table", LogicalPlan::DescribeTable(_),
    Unnest: "unnest", LogicalPlan::Unnest(_),
    RecursiveQuery: "recursive_query", LogicalPlan::RecursiveQuery(_),
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeKinds(u64);

impl NodeKinds {
    /// The kinds of these names; a name that is not known here is in no plan.
    pub fn named(names: &[String]) -> Self {
        let known = NodeKind::ALL
            .iter()
            .filter(|kind| names.iter().any(|name| name == kind.name()));
        Self(known.fold(0, |set, kind| set | 1 << *kind as u64))
    }

    /// Whether the plan has a node of one of these kinds, in subqueries too.
    ///
    /// # Errors
    /// Those of walking a plan; none are known.
    pub fn are_in(self, plan: &LogicalPlan) -> Result<bool> {
        let mut found = false;
        plan.apply_with_subqueries(|node| {
            found = self.0 & (1 << NodeKind::of(node) as u64) != 0;
            Ok(if found {
                TreeNodeRecursion::Stop
            } else {
                TreeNodeRecursion::Continue
            })
        })?;
        Ok(found)
    }
}
