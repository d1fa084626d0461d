//! What a session knows of macros that it has been told to create.

use std::sync::Arc;

use datafusion::{
    execution::{FunctionRegistry, SessionStateBuilder},
    logical_expr::Volatility,
    prelude::SessionContext,
};
use datafusion_codeanatomy::{Macros, Options};

use crate::{batches, session};

/// Their functions are immutable, or they would not have been made.
#[tokio::test]
async fn aggregates_are_immutable_unless_they_say_otherwise() {
    let factory = Arc::new(Macros::new(&Options::default()));
    let state = SessionStateBuilder::new_from_existing(session().state())
        .with_function_factory(Some(factory))
        .build();
    let context = SessionContext::new_with_state(state);
    for (name, says, expected) in [
        ("spread", "", Volatility::Immutable),
        ("stable_spread", "STABLE", Volatility::Stable),
        ("volatile_spread", "VOLATILE", Volatility::Volatile),
    ] {
        let sql =
            format!("CREATE FUNCTION {name}(x BIGINT) RETURNS BIGINT {says} AS 'max(x) - min(x)'");
        batches(&context, &sql).await.unwrap();
        let made = context.udaf(name).unwrap();
        assert_eq!(made.signature().volatility, expected, "{name}");
    }
}
