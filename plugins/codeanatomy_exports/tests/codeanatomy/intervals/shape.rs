//! What an alignment is planned as.

use datafusion::prelude::SessionConfig;

use super::aligning;
use crate::{batches, rows};

/// Lines of the physical plan, without what operators say of themselves, and all of it.
async fn operators(partitions: usize) -> (Vec<String>, String) {
    let context = aligning(SessionConfig::new().with_target_partitions(partitions));
    for table in ["l", "r"] {
        let sql = format!(
            "CREATE TABLE {table} AS SELECT concat('p', value % 10) AS path, value AS bstart, \
             value + 5 AS bend, value AS id FROM range(1000)"
        );
        batches(&context, &sql).await.unwrap();
    }
    let sql =
        "EXPLAIN FORMAT INDENT SELECT * FROM interval_align((SELECT * FROM l), (SELECT * FROM r))";
    let plan = rows(&context, sql).await.join("\n");
    let physical = plan.split_once("physical_plan|").unwrap().1;
    let names = physical.lines().map(|line| {
        let name = line.trim_start().split([':', ' ']).next().unwrap();
        name.to_owned()
    });
    let names = names.filter(|name| !name.is_empty());
    (names.collect(), plan)
}

fn is_near(plan: &[String], first: &str, second: &str) -> bool {
    plan.windows(2)
        .any(|two| two[0] == first && two[1] == second)
}

#[tokio::test]
async fn one_aggregate_streams_behind_sorts() {
    for partitions in [1, 2, 4] {
        let (names, plan) = operators(partitions).await;
        let count = |name: &str| names.iter().filter(|other| *other == name).count();
        assert_eq!(count("AggregateExec"), 1, "{plan}");
        assert!(count("SortExec") > 0, "{plan}");
        assert_eq!(count("BoundedWindowAggExec"), 1, "{plan}");
        assert_eq!(count("WindowAggExec"), 0, "{plan}");
        assert!(!plan.contains("Join"), "{plan}");
        assert!(plan.contains("ordering_mode=Sorted"), "{plan}");
        assert!(plan.contains("mode=[Sorted]"), "{plan}");
        let mode = if partitions == 1 {
            "mode=Single,"
        } else {
            "mode=SinglePartitioned,"
        };
        assert!(plan.contains(mode), "{plan}");
        assert!(
            is_near(&names, "AggregateExec", "BoundedWindowAggExec"),
            "nothing is moved between: {plan}"
        );
    }
}
