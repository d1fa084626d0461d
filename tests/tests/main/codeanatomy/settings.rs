//! The plugin's options over `SET`.

use std::sync::Arc;

use datafusion::{
    arrow::compute::SortOptions,
    physical_expr::{LexOrdering, PhysicalSortExpr, expressions::col},
    physical_plan::{ExecutionPlan, displayable, sorts::sort::SortExec},
};

use super::{config, linked_in, loaded, query, run};

/// `e` with an accent, in one character and in two.
const FORMS: &str = "SELECT octet_length(utf8_normalize(chr(233))) AS n";
const SPAN: &str =
    "SELECT span_make(1, 2)['line_base'] AS n, span_make(1, 2)['end_exclusive'] AS x";
const FILES: &str = "SELECT count(*) AS n FROM files";

#[tokio::test(flavor = "multi_thread")]
async fn every_family_reads_what_the_session_says() {
    for (context, which) in [
        (linked_in(config(1, 8192)), "linked in"),
        (loaded(config(1, 8192)), "loaded"),
    ] {
        let files = "CREATE TABLE files (snapshot INT, path VARCHAR) AS VALUES (1, 'a'), (2, 'a'), (2, 'b')";
        run(&context, files).await;
        let number = async |sql| {
            let rows = run(&context, sql).await;
            rows.lines()
                .nth(3)
                .unwrap()
                .split_whitespace()
                .nth(1)
                .unwrap()
                .to_owned()
        };
        // As activation says.
        assert_eq!(number(FORMS).await, "2", "{which}");
        assert_eq!(number(SPAN).await, "1", "{which}");
        assert_eq!(number(FILES).await, "2", "{which}");
        run(&context, "SET codeanatomy.utf8_normalize_form = 'NFD'").await;
        assert_eq!(number(FORMS).await, "3", "{which}");
        run(&context, "SET codeanatomy.span_line_base = 5").await;
        run(&context, "SET codeanatomy.span_end_exclusive = false").await;
        let span = run(&context, SPAN).await;
        assert!(span.contains("| 5 | false |"), "{which}: {span}");
        run(&context, "SET codeanatomy.snapshot_value = '1'").await;
        assert_eq!(number(FILES).await, "1", "{which}");
        run(&context, "SET codeanatomy.snapshot_tables = ''").await;
        assert_eq!(number(FILES).await, "3", "{which}");
        for (sql, part) in [
            ("SET codeanatomy.no_such_key = 1", "utf8_normalize_casefold"),
            ("SET codeanatomy.utf8_normalize_form = 'NFX'", "NFX"),
            ("SET codeanatomy.span_line_base = 'x'", "an integer"),
        ] {
            let error = query(&context, sql).await.err().unwrap().to_string();
            assert!(error.contains(part), "{which}: {sql}: {error}");
        }
        assert_eq!(number(FORMS).await, "3", "{which}");
        run(&context, "SET codeanatomy.snapshot_tables = 'files'").await;
        run(&context, "SET codeanatomy.snapshot_column = ''").await;
        let error = query(&context, FILES).await.err().unwrap().to_string();
        assert!(
            error.contains("snapshot_column no column"),
            "{which}: {error}"
        );
        // Other tables are none of its business.
        run(&context, "SELECT 1 FROM (VALUES (1))").await;
    }
}

fn sorted(input: Arc<dyn ExecutionPlan>, descending: bool, fetch: Option<usize>) -> Arc<SortExec> {
    let column = col("a", &input.schema()).unwrap();
    let options = SortOptions::default();
    let options = SortOptions {
        descending,
        ..options
    };
    let order = LexOrdering::from([PhysicalSortExpr::new(column, options)]);
    Arc::new(SortExec::new(order, input).with_fetch(fetch))
}

/// Only sorts of what is in that very order already are taken out, and only where the option says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_physical_rule_is_off_unless_it_is_switched_on() {
    for (context, which) in [
        (linked_in(config(1, 8192)), "linked in"),
        (loaded(config(1, 8192)), "loaded"),
    ] {
        let rows = context
            .sql("SELECT a FROM (VALUES (3), (1), (2)) AS t(a)")
            .await
            .unwrap();
        let rows = rows.create_physical_plan().await.unwrap();
        let once = sorted(rows, false, None);
        let same = sorted(Arc::clone(&once) as _, false, None);
        let other = sorted(Arc::clone(&once) as _, true, None);
        let limited = sorted(Arc::clone(&once) as _, false, Some(3));
        let sorts = |plan: Arc<dyn ExecutionPlan>| {
            let state = context.state();
            let rules = state.physical_optimizers();
            let rule = rules
                .iter()
                .find(|rule| rule.name().contains("redundant_sorts"));
            let plan = rule
                .unwrap()
                .optimize(plan, state.config_options())
                .unwrap();
            let text = displayable(plan.as_ref()).indent(false).to_string();
            text.matches("SortExec").count()
        };
        assert_eq!(sorts(Arc::clone(&same) as _), 2, "{which}");
        run(&context, "SET codeanatomy.remove_redundant_sorts = true").await;
        assert_eq!(sorts(same), 1, "{which}");
        assert_eq!(sorts(other), 2, "{which}");
        assert_eq!(sorts(limited), 2, "{which}");
        assert_eq!(sorts(once), 1, "{which}");
    }
}
