//! Rules that misbehave: the statement fails, with plugin and rule named, and the session goes on.

use datafusion::logical_expr::{LogicalPlanBuilder, Partitioning, RangePartitioning, col, lit};

use super::*;

async fn failure(context: &SessionContext, sql: &str) -> String {
    rows(context, sql).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_a_rule_does_wrong_is_an_error_that_names_it() {
    let context = with_tables(with_rules(&["ill"], "")).await;
    for (rule, part) in [
        ("panics", "the rule gives up at"),
        ("fails", "the rule has nothing left"),
        ("other_schema", "is to stay"),
    ] {
        let sql = format!("select n as trouble_{rule} from numbers");
        let message = failure(&context, &sql).await;
        for part in [part, rule, "rules"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(rows(&context, "select * from numbers").await.is_ok());
    }
}

#[tokio::test]
async fn handles_of_an_earlier_call_are_refused() {
    let context = with_tables(with_rules(&["ill"], "")).await;
    let sql = "select n as trouble_earlier_plan from numbers";
    rows(&context, sql).await.unwrap();
    let message = failure(&context, sql).await;
    for part in ["another call", "earlier_plan"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn a_node_of_the_host_stands_in_one_place() {
    let context = with_tables(with_rules(&["ill"], "")).await;
    let sql = "explain analyze select n as trouble_held_twice from numbers";
    let message = failure(&context, sql).await;
    for part in ["came back twice", "Analyze", "held_twice", "rules"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn a_table_may_be_scanned_in_two_places() {
    let context = with_tables(with_rules(&["ill"], "")).await;
    let sql = "select n as trouble_scanned_twice from numbers where n = 4";
    let answer = rows(&context, sql).await.unwrap();
    assert_eq!(answer.matches("| 4 ").count(), 2, "{answer}");
}

/// By the rule's own setting: those of policies refuse what they have not seen.
#[test]
fn a_plan_that_cannot_be_carried_is_counted_and_refused_or_passed_over() {
    let ranges = RangePartitioning::try_new(vec![col("n").sort(true, false)], vec![]).unwrap();
    let plan = LogicalPlanBuilder::empty(true)
        .project([lit(1).alias("n")])
        .and_then(|plan| plan.repartition(Partitioning::Range(ranges))?.build())
        .unwrap();
    for (options, refuses) in [("", false), ("policy = true", true)] {
        let (host, context) = (host(&["unchanged_analyzer"], options), session());
        host.install(&context);
        let optimized = context.state().optimize(&plan);
        match optimized {
            Ok(optimized) => assert!(!refuses, "{optimized}"),
            Err(error) => {
                let message = error.to_string();
                assert!(refuses, "{message}");
                for part in ["cannot be carried", "unchanged_analyzer", "'rules'"] {
                    assert!(message.contains(part), "{part}: {message}");
                }
            }
        }
        let metrics = host.metrics();
        let rule = metrics
            .iter()
            .find(|item| item.item == "unchanged_analyzer");
        let counted = rule.unwrap().metrics;
        assert_eq!((counted.uncarried, counted.errors), (1, 1), "{options}");
        assert_eq!(counted.calls, 0, "{options}");
    }
}

#[tokio::test]
async fn errors_keep_their_kind() {
    let context = with_tables(with_rules(&["ill"], "")).await;
    let error = rows(&context, "select n as trouble_fails from numbers").await;
    let error = error.unwrap_err();
    assert!(
        matches!(
            error.find_root(),
            datafusion::error::DataFusionError::ResourcesExhausted(_)
        ),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_statements_at_once() {
    let context = with_tables(with_rules(&["even", "unchanged_optimizer"], "")).await;
    let queries = (0..64).map(|_| {
        let context = context.clone();
        tokio::spawn(async move { rows(&context, "select sum(n) from numbers").await.unwrap() })
    });
    for answer in queries.collect::<Vec<_>>() {
        assert!(answer.await.unwrap().contains("20"));
    }
}
