//! `repeated-calls KIND NUMBER` loads plugins and calls what they export of a kind so many times: for tools
//! that watch a process, as `.ci/valgrind` does. `repeated-calls` alone prints the kinds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failure is to end the program"
)]

use std::{env, process::ExitCode, sync::Arc};

use datafusion::{
    arrow::{
        array::{Float64Array, Int64Array, RecordBatch, StringArray},
        datatypes::{DataType, Field, Schema},
    },
    catalog::MemTable,
    physical_plan::{ExecutionPlanProperties, collect},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, Subject, config::Config};
use plugin_tests::plugins::plugin;

/// Rows of a batch.
const ROWS: i64 = 8;

const KINDS: &[&str] = &[
    "scalar",
    "async_scalar",
    "aggregate",
    "groups",
    "window",
    "table_function",
    "table",
    "relation_planner",
    "type_planner",
    "logical_rule",
    "physical_rule",
    "policy",
    "error",
    "panic",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => println!("{}", KINDS.join("\n")),
        [kind, number] if KINDS.contains(kind) && number.parse::<usize>().is_ok() => {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(call(kind, number.parse().unwrap()));
        }
        _ => {
            eprintln!("usage: repeated-calls [KIND NUMBER]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

async fn call(kind: &str, number: usize) {
    let (host, session) = session(kind, number);
    match kind {
        "scalar" => run(&session, "SELECT example.greet(s) FROM t").await,
        "async_scalar" => run(&session, "SELECT example.slow_square(x) FROM t").await,
        "aggregate" => run(&session, "SELECT example.geometric_mean(x) FROM t").await,
        "groups" => {
            run(
                &session,
                "SELECT example.geometric_mean(x) FROM t GROUP BY n",
            )
            .await
        }
        "window" => {
            let sql = "SELECT example.run_length(s) OVER (PARTITION BY n ORDER BY x) FROM t";
            run(&session, sql).await;
        }
        "table_function" => {
            // The table's batches have so many rows.
            let sql = format!("SELECT * FROM example.series(0, {})", 8192 * number);
            run(&session, &sql).await;
        }
        "table" => {
            let plan = session.sql("SELECT * FROM example.planets").await.unwrap();
            let plan = plan.create_physical_plan().await.unwrap();
            for _ in 0..number {
                let plan = Arc::clone(&plan).reset_state().unwrap();
                collect(plan, session.task_ctx()).await.unwrap();
            }
        }
        "relation_planner" => {
            plan(&session, "SELECT n FROM t TABLESAMPLE (50 PERCENT)", number).await;
        }
        "type_planner" => plan(&session, "SELECT arrow_cast(1, 'Int64')::MONEY", number).await,
        "logical_rule" => {
            let state = session.state();
            let plan = state.create_logical_plan("SELECT n FROM t WHERE x > 1 ORDER BY n");
            let plan = plan.await.unwrap();
            let mut rules = state.optimizers().iter();
            let rule = rules.find(|rule| rule.name() == "rules.unchanged_optimizer");
            let rule = rule.unwrap();
            for _ in 0..number {
                rule.rewrite(plan.clone(), &state).unwrap();
            }
        }
        "physical_rule" => {
            let state = session.state();
            let plan = session.sql("SELECT n FROM t WHERE x > 1 ORDER BY n").await;
            let plan = plan.unwrap().create_physical_plan().await.unwrap();
            assert_eq!(plan.output_partitioning().partition_count(), 1);
            let mut rules = state.physical_optimizers().iter();
            let rule = rules.find(|rule| rule.name() == "rules.physical_unchanged");
            let rule = rule.unwrap();
            for _ in 0..number {
                let plan = Arc::clone(&plan);
                rule.optimize(plan, state.config_options()).unwrap();
            }
        }
        "policy" => {
            let plan = session.state().create_logical_plan("SELECT n FROM t").await;
            let plan = plan.unwrap();
            let guarded = host.guarded(&session, Subject::user("ann"));
            for _ in 0..number {
                guarded.execute_logical_plan(plan.clone()).await.unwrap();
            }
        }
        "error" => {
            for _ in 0..number {
                let refused = session.sql("SELECT * FROM example.series('one')").await;
                refused.unwrap_err();
            }
        }
        "panic" => {
            let sql = "SELECT panicking.scalar_invoke(n) FROM t";
            for _ in 0..number {
                let refused = session.sql(sql).await.unwrap().collect().await;
                refused.unwrap_err();
            }
        }
        _ => unreachable!("{kind} is one of the kinds"),
    }
}

/// The plugins, and a session with them and the table `t`, of so many batches.
fn session(kind: &str, batches: usize) -> (PluginHost, SessionContext) {
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(ROWS as usize)
        .with_coalesce_batches(false);
    let session = SessionContext::new_with_config(config);
    let configured = "
        [host]
        quarantine = { after = 0 }
        [plugins.rules.options]
        rules = ['unchanged_optimizer', 'physical_unchanged']";
    let host = PluginHost::builder()
        .grant_every_capability()
        .config(Config::parse(configured).unwrap());
    let library = match kind {
        "logical_rule" | "physical_rule" => "fixture-rule-plugin",
        "panic" => "fixture-panicking",
        _ => "datafusion-plugin-example",
    };
    let host = host.plugin_file(plugin(library)).load().unwrap();
    host.install(&session);
    let schema = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("x", DataType::Float64, false),
        Field::new("s", DataType::Utf8, false),
    ]));
    let batch = |number| {
        let rows = number * ROWS..(number + 1) * ROWS;
        // One group, and one partition, to a batch.
        let n = Int64Array::from_iter_values(rows.clone().map(|_| number));
        let x = Float64Array::from_iter_values(rows.clone().map(|row| row as f64 + 1.0));
        let s = StringArray::from_iter_values(rows.map(|row| format!("number {row}")));
        let columns: Vec<Arc<dyn datafusion::arrow::array::Array>> =
            vec![Arc::new(n), Arc::new(x), Arc::new(s)];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    let batches = (0..batches as i64).map(batch).collect();
    let table = MemTable::try_new(Arc::clone(&schema), vec![batches]).unwrap();
    session.register_table("t", Arc::new(table)).unwrap();
    (host, session)
}

async fn run(session: &SessionContext, sql: &str) {
    session.sql(sql).await.unwrap().collect().await.unwrap();
}

async fn plan(session: &SessionContext, sql: &str, number: usize) {
    let state = session.state();
    for _ in 0..number {
        state.create_logical_plan(sql).await.unwrap();
    }
}
