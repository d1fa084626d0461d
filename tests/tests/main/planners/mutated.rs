//! What a plugin sends, spoiled: every decoder of plans, expressions, statistics and syntax trees gives a value or an
//! error for any bytes, in bounded time and memory.
//!
//! Messages are those that the encoders make of real queries; the seed makes runs alike.

mod bombs;
mod mutation;

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
    time::{Duration, Instant},
};

use datafusion::{
    common::config::ConfigOptions,
    logical_expr::{Expr, LogicalPlan},
    physical_plan::statistics::{StatisticsArgs, StatisticsContext},
    prelude::SessionContext,
    sql::sqlparser::{ast::Statement, dialect::GenericDialect, parser::Parser},
};
use datafusion_plugin_api::{
    abi::{
        Parcel,
        message::{ExpressionList, PhysicalRuleReply, PlanReply, ScanDescriptor, TableStatistics},
    },
    df55::{
        expressions::{expressions_with, pack_whole},
        parcel::{ParcelBuilder, ParcelContent},
        physical::HostPhysical,
        plan_properties::{Operands, properties_from_message},
        plans::{HostObjects, read_plans},
        statistics::{statistics_from_message, statistics_to_message},
        syntax::{syntax_from_json, syntax_to_json},
    },
};
use serde::de::DeserializeOwned;

use super::codec::{Nothing, answered};
use mutation::Mutation;

const QUERIES: &[&str] = &[
    "SELECT a, b + 1.5, upper(c) FROM t WHERE a BETWEEN 1 AND 9 AND c LIKE 'x%' ORDER BY b DESC LIMIT 3",
    "SELECT count(*), sum(a) FILTER (WHERE b > 0), c FROM t GROUP BY ROLLUP (c) HAVING count(*) > 1",
    "SELECT rank() OVER (PARTITION BY c ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
    "SELECT * FROM t WHERE a IN (SELECT a FROM t u WHERE u.b > t.b) OR EXISTS (SELECT 1 FROM t)",
    "SELECT l.a, r.c FROM t l LEFT JOIN t r ON l.a = r.a AND l.b < r.b UNION ALL SELECT a, c FROM t",
    "SELECT CASE WHEN a > 1 THEN CAST(b AS DECIMAL(10, 2)) ELSE NULL END, [a, 2], {'k': c} FROM t",
    "SELECT DISTINCT ON (c) c, date_trunc('day', TIMESTAMP '2024-01-02T03:04:05Z') FROM t",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n",
    "INSERT INTO t SELECT a + 1, b, c FROM t",
    "SELECT unnest([1, 2, 3]), a FROM t",
];

async fn context() -> SessionContext {
    let context = SessionContext::new();
    let create = "CREATE TABLE t AS VALUES (1, 2.0, 'x'), (3, 4.0, 'y')";
    context.sql(create).await.unwrap();
    let rename = "CREATE VIEW v AS SELECT column1 AS a, column2 AS b, column3 AS c FROM t";
    context.sql(rename).await.unwrap();
    context
        .sql("CREATE TABLE w AS SELECT * FROM v")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    context.deregister_table("t").unwrap();
    let table = context.table_provider("w").await.unwrap();
    context.register_table("t", table).unwrap();
    context
}

async fn plans(context: &SessionContext) -> Vec<LogicalPlan> {
    let mut plans = Vec::new();
    for sql in QUERIES {
        let plan = context.state().create_logical_plan(sql).await;
        plans.push(plan.unwrap_or_else(|error| panic!("{sql}: {error}")));
    }
    plans
}

/// A message with what it speaks of, to be spoiled and read again and again.
struct Sent<M> {
    json: Vec<u8>,
    content: ParcelContent<M>,
}

impl<M: DeserializeOwned> Sent<M> {
    fn of(parcel: Parcel) -> Self {
        Self {
            json: parcel.message.to_vec(),
            content: ParcelContent::read(parcel).unwrap(),
        }
    }

    /// The same with something spoiled; nothing where the message cannot be read any more.
    fn spoiled(&self, mutation: &mut Mutation) -> Option<ParcelContent<M>> {
        let (mut json, mut blob) = (self.json.clone(), self.content.blob.clone());
        // Most of what plans say is in the message, most of what expressions say in the bytes.
        if blob.is_empty() || mutation.below(3) == 0 {
            json = mutation.json(&json);
        } else {
            mutation.bytes(&mut blob);
        }
        Some(ParcelContent {
            message: serde_json::from_slice(&json).ok()?,
            fields: self.content.fields.clone(),
            metadata: self.content.metadata.clone(),
            values: self.content.values.clone(),
            blob,
        })
    }
}

/// Reads so many spoiled messages. `read` says whether there was something to read.
fn read_spoiled(what: &str, count: usize, seed: u64, mut read: impl FnMut(&mut Mutation) -> bool) {
    let mut decoded = 0;
    for number in 0..count {
        let mut mutation = Mutation::new(seed + number as u64);
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&mut mutation)));
        let took = begun.elapsed();
        let Ok(read) = outcome else {
            panic!("{what}: seed {} panics", seed + number as u64);
        };
        assert!(
            took < Duration::from_secs(20),
            "{what}: {number} took {took:?}"
        );
        decoded += usize::from(read);
    }
    // Not all were stopped at the door.
    assert!(
        decoded * 4 > count,
        "{what}: {decoded} of {count} were read"
    );
}

async fn logical_plans() {
    let context = context().await;
    for (number, plan) in plans(&context).await.iter().enumerate() {
        let (host, _, reply) = answered(plan).unwrap();
        let sent = Sent::<PlanReply>::of(reply);
        let plan = read_plans(&sent.content, &sent.content.message.list, host.as_ref());
        plan.unwrap();
        read_spoiled("plans", 600, 1_000_000 * number as u64, |mutation| {
            let Some(content) = sent.spoiled(mutation) else {
                return false;
            };
            if let Ok(read) = read_plans(&content, &content.message.list, host.as_ref()) {
                // What was read can be looked at.
                read.plans
                    .iter()
                    .for_each(|plan| drop(plan.display_indent().to_string()));
            }
            true
        });
    }
}

async fn physical_plans() {
    let context = context().await;
    let mut read = 0;
    for (number, sql) in QUERIES.iter().enumerate() {
        let plan = context
            .sql(sql)
            .await
            .unwrap()
            .create_physical_plan()
            .await
            .unwrap();
        let objects = HostObjects::new(Nothing);
        let host = HostPhysical::new(&objects, &ConfigOptions::default());
        let parcel = host.write(&plan, |mut list| {
            // As new nodes of the plugin's: known ones are not read.
            for node in &mut list.nodes {
                if node.bytes.is_some() {
                    node.known = None;
                }
            }
            PhysicalRuleReply { list: Some(list) }
        });
        let sent = Sent::<PhysicalRuleReply>::of(parcel.unwrap());
        // Functions of a reply have other handles: plans with some are not taken.
        let list = sent.content.message.list.as_ref().unwrap();
        if host.read(&sent.content, list, &plan).is_err() {
            continue;
        }
        read += 1;
        read_spoiled(
            "physical plans",
            400,
            2_000_000 * number as u64,
            |mutation| {
                let Some(content) = sent.spoiled(mutation) else {
                    return false;
                };
                let list = content.message.list.as_ref();
                list.is_some_and(|list| {
                    drop(host.read(&content, list, &plan));
                    true
                })
            },
        );
    }
    assert!(read >= 3, "{read} plans");
}

async fn expressions() {
    let context = context().await;
    let mut exprs: Vec<Expr> = Vec::new();
    for plan in plans(&context).await {
        use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
        plan.apply(|node| {
            exprs.extend(node.expressions());
            Ok(TreeNodeRecursion::Continue)
        })
        .unwrap();
    }
    let mut packed = 0;
    for (number, expr) in exprs.iter().enumerate() {
        let mut parcel = ParcelBuilder::new();
        let Ok(Some((list, blob))) = pack_whole(&[expr], &|_| None, &mut parcel) else {
            continue;
        };
        packed += 1;
        let parcel = parcel.blob(blob).finish(&list).unwrap();
        let sent = Sent::<ExpressionList>::of(parcel);
        let none = |_: &_| datafusion::common::internal_err!("no functions");
        expressions_with(&sent.content, &sent.content.message, &none).unwrap();
        read_spoiled("expressions", 300, 3_000_000 * number as u64, |mutation| {
            let Some(content) = sent.spoiled(mutation) else {
                return false;
            };
            if let Ok(read) = expressions_with(&content, &content.message, &none) {
                read.iter().for_each(|expr| drop(expr.to_string()));
            }
            true
        });
    }
    assert!(packed >= 5, "{packed} expressions");
}

async fn promises() {
    let context = context().await;
    let plan = context.sql("SELECT a, b FROM t").await.unwrap();
    let plan = plan.create_physical_plan().await.unwrap();
    let schema = plan.schema();
    let mut parcel = ParcelBuilder::new();
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
    let mut statistics = statistics.unwrap().as_ref().clone();
    for column in &mut statistics.column_statistics {
        use datafusion::common::{ScalarValue, stats::Precision};
        column.max_value = Precision::Exact(ScalarValue::from(9_i64));
        column.null_count = Precision::Inexact(3);
    }
    let message = statistics_to_message(&statistics, &mut parcel).unwrap();
    let sent = Sent::<TableStatistics>::of(parcel.finish(&message).unwrap());
    read_spoiled("statistics", 2_000, 7, |mutation| {
        let content = sent.spoiled(mutation);
        content.is_some_and(|content| {
            drop(statistics_from_message(&content.message, &content));
            true
        })
    });
    let columns = &mut datafusion_plugin_api::df55::plan_properties::ColumnsOnly;
    let mut parcel = ParcelBuilder::new().schema(&schema);
    let message = datafusion_plugin_api::df55::plan_properties::properties_to_message(
        plan.as_ref(),
        &mut parcel,
        columns,
    );
    let sent = Sent::<ScanDescriptor>::of(parcel.finish(&message.unwrap()).unwrap());
    read_spoiled("properties", 2_000, 8, |mutation| {
        let content = sent.spoiled(mutation);
        content.is_some_and(|content| {
            let operands = Operands {
                schema: &schema,
                expressions: &[],
            };
            drop(properties_from_message(
                &content.message,
                &content,
                operands,
            ));
            true
        })
    });
}

fn syntax() {
    for (number, sql) in QUERIES.iter().enumerate() {
        let statement = Parser::parse_sql(&GenericDialect {}, sql).unwrap();
        let json = syntax_to_json(&statement).unwrap();
        let mut read = 0;
        for round in 0..200 {
            let mut mutation = Mutation::new(number as u64 * 1_000 + round);
            let spoiled = mutation.json(&json);
            if let Ok(statements) = syntax_from_json::<Vec<Statement>>(&spoiled) {
                read += 1;
                statements
                    .iter()
                    .for_each(|statement| drop(statement.to_string()));
            }
        }
        assert!(read > 0, "{sql}");
    }
}

/// In a process of its own, whose memory can be told.
#[test]
fn spoiled_messages_are_errors() {
    let child = env::current_exe().unwrap();
    let output = Command::new(child)
        .args([
            "--exact",
            "main::planners::mutated::in_a_child",
            "--nocapture",
        ])
        .env("MUTATED_CHILD", "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{stdout}\n{stderr}",
        output.status
    );
    assert!(stdout.contains("1 passed"), "{stdout}");
}

/// The other test's child; alone, it has nothing to do.
#[tokio::test]
async fn in_a_child() {
    if env::var_os("MUTATED_CHILD").is_none() {
        return;
    }
    logical_plans().await;
    physical_plans().await;
    expressions().await;
    promises().await;
    syntax();
    bombs::all();
    if let Some(peak) = peak_megabytes() {
        assert!(peak < 1_024, "{peak} MB");
    }
}

/// The most memory that this process has had.
fn peak_megabytes() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes / 1_024)
}
