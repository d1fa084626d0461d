//! Relation planners that reply with what no plan is.

use std::sync::Arc;

use abi_stable::std_types::ROption;
use datafusion::prelude::SessionContext;
use datafusion_plugin_api::abi::{
    self, CallError, Parcel, PlanHostObject, Planned, RelationPlannerObject,
    message::PlannerDescriptor,
};

use crate::{
    config::Config,
    import::{
        origin::{Activated, Origin},
        planner::PluginRelationPlanner,
    },
};

/// Replies with this message.
struct Lying(&'static str);

impl abi::RelationPlanner for Lying {
    fn item(&self) -> &str {
        "lying"
    }

    fn plan(&self, _: Parcel, _: PlanHostObject) -> Result<Planned, CallError> {
        let mut reply = Parcel::of(&())?;
        reply.message = self.0.as_bytes().to_vec().into();
        Ok(Planned {
            reply,
            objects: ROption::RNone,
        })
    }
}

async fn error(message: &'static str) -> String {
    let origin = Origin::new(
        Activated::new("liar", None, false, &Config::default()),
        "lying",
        0,
        Arc::default(),
    );
    let object = RelationPlannerObject::new(Lying(message));
    let planner = PluginRelationPlanner::new(origin, object, &PlannerDescriptor::default());
    let context = SessionContext::new();
    context
        .register_relation_planner(Arc::new(planner))
        .unwrap();
    let planned = context.state().create_logical_plan("SELECT * FROM t").await;
    planned.unwrap_err().strip_backtrace()
}

#[tokio::test]
async fn what_is_no_plan_is_refused_with_plugin_and_planner_named() {
    for (message, part) in [
        ("", "cannot read a message"),
        (r#"{"planned":{}}"#, "0 plans where one was expected"),
        (r#"{"planned":{"plans":[0]}}"#, "position 0 of a list of 0"),
        // A table under a handle that nobody lent.
        (
            r#"{"planned":{"plans":[0],"names":[["t"]],"schemas":[{"fields":[]}],
                "sources":[{"handle":{"returned":7}}],"nodes":[{"table_scan":{"table":0,
                "source":0,"projection":null,"filters":[0,0],"fetch":null,"schema":0}}]}}"#,
            "the unknown handle 7 of a table",
        ),
        // A table of the plugin's own that it does not hand out.
        (
            r#"{"planned":{"sources":[{"handle":{"lent":0}}]}}"#,
            "which only replies have",
        ),
        // A node that the host was to have lent.
        (
            r#"{"planned":{"plans":[0],"schemas":[{"fields":[]}],"nodes":[{"held":{"handle":
                {"returned":0},"inputs":[],"exprs":[0,0],"schema":0}}]}}"#,
            "the unknown handle 0 of a node",
        ),
        // One node in two places.
        (
            r#"{"planned":{"plans":[1],"schemas":[{"fields":[]}],"nodes":[{"empty_relation":
                {"one_row":false,"schema":0}},{"union":{"inputs":[0,0],"schema":0}}]}}"#,
            "node 0 is used twice",
        ),
        // A node that uses itself.
        (
            r#"{"planned":{"plans":[0],"nodes":[{"distinct":{"input":0}}]}}"#,
            "position 0 of a list of 0",
        ),
        // Expressions that were not sent.
        (
            r#"{"planned":{"plans":[1],"schemas":[{"fields":[]}],"nodes":[{"empty_relation":
                {"one_row":false,"schema":0}},{"filter":{"input":0,"predicate":3}}]}}"#,
            "expression 3 is not there",
        ),
        // Fields and names that were not sent.
        (
            r#"{"planned":{"plans":[0],"schemas":[{"fields":[4],"qualifiers":[0]}],"nodes":
                [{"empty_relation":{"one_row":false,"schema":0}}]}}"#,
            "field 4 of 0",
        ),
        // A list that claims more expressions than there are numbers.
        (
            r#"{"planned":{"plans":[],"exprs":[18446744073709551615,1]}}"#,
            "expressions from",
        ),
    ] {
        let error = error(message).await;
        for part in [part, "liar", "lying"] {
            assert!(error.contains(part), "{message}\n{part}\n{error}");
        }
    }
}
