//! Rules do in a plugin what they do linked in.

use std::sync::Arc;

use fixture_rules::{Even, MergedFilters};

use super::*;

const QUERIES: &[&str] = &[
    "select * from numbers order by n",
    "select count(*) from pairs",
    "select word from some order by word",
    "select a.n, b.word from numbers a join pairs b on a.n = b.n order by 1",
    "select n from numbers where exists (select 1 from pairs where pairs.n = numbers.n + 1) order by n",
    "with few as (select n from numbers where n < 6) select sum(n) from few",
    "select (select max(n) from pairs) as greatest",
    "select n from (select n from numbers where n > 1) where n < 7 order by n",
    "select 1 as n",
];

async fn same(linked_in: SessionContext, loaded: SessionContext) -> Vec<String> {
    let (linked_in, loaded) = (with_tables(linked_in).await, with_tables(loaded).await);
    let mut answers = Vec::new();
    for sql in QUERIES {
        for sql in [sql.to_string(), format!("explain {sql}")] {
            let expected = rows(&linked_in, &sql).await.unwrap();
            assert_eq!(rows(&loaded, &sql).await.unwrap(), expected, "{sql}");
            answers.push(expected);
        }
    }
    answers
}

#[tokio::test]
async fn an_analyzer_rule_filters_tables_wherever_they_are() {
    let linked_in = linked_in(vec![Arc::new(Even)], vec![]);
    let answers = same(linked_in, with_rules(&["even"], "")).await;
    assert!(answers[2].contains(" 5 "), "{}", answers[2]);
    assert!(!answers[0].contains(" 3 "), "{}", answers[0]);
}

#[tokio::test]
async fn an_optimizer_rule_is_applied_to_every_node() {
    let linked_in = linked_in(vec![], vec![Arc::new(MergedFilters)]);
    same(linked_in, with_rules(&["merged_filters"], "")).await;
}

#[tokio::test]
async fn rules_stand_where_they_ask_to() {
    let context = with_rules(&["even", "merged_filters"], "");
    let names = |context: &SessionContext| {
        let state = context.state();
        let analyzer = state
            .analyzer()
            .rules
            .iter()
            .map(|rule| rule.name().to_owned());
        let optimizer = state.optimizers().iter().map(|rule| rule.name().to_owned());
        (analyzer.collect::<Vec<_>>(), optimizer.collect::<Vec<_>>())
    };
    let (analyzer, optimizer) = names(&context);
    assert_eq!(analyzer.last().unwrap(), "rules.even");
    assert_eq!(optimizer.last().unwrap(), "rules.merged_filters");

    let context = with_rules(&["even"], "before = 'type_coercion'");
    let (analyzer, _) = names(&context);
    let coercion = analyzer.iter().position(|rule| rule == "type_coercion");
    let even = analyzer.iter().position(|rule| rule == "rules.even");
    assert_eq!(even.unwrap() + 1, coercion.unwrap(), "{analyzer:?}");
}

#[tokio::test]
async fn installing_again_changes_nothing() {
    let context = session();
    let host = host(&["even", "merged_filters"], "");
    host.install(&context);
    let count = |context: &SessionContext| {
        let state = context.state();
        (state.analyzer().rules.len(), state.optimizers().len())
    };
    let before = count(&context);
    let report = host.install(&context);
    assert_eq!(count(&context), before);
    let items = report.plugins.iter().flat_map(|plugin| &plugin.items);
    assert!(items.into_iter().all(|item| item.unchanged), "{report:?}");
}

#[tokio::test]
async fn a_plan_without_interesting_nodes_is_not_carried() {
    let context = with_tables(with_rules(&["unchanged_analyzer"], "limits = true")).await;
    let calls = async || {
        let sql = "select calls from plugin_metrics() where item = 'unchanged_analyzer'";
        rows(&context, sql).await.unwrap()
    };
    rows(&context, "select * from numbers").await.unwrap();
    let before = calls().await;
    assert!(before.contains(" 0 "), "{before}");
    rows(&context, "select * from (select * from numbers limit 3)")
        .await
        .unwrap();
    assert!(!calls().await.contains(" 0 "));
}
