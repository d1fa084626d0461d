//! The plans of TPC-H and of DataFusion's own SQL logic tests, across the contract and back.

use std::{collections::BTreeMap, fs, path::PathBuf};

use datafusion::prelude::{SessionConfig, SessionContext};
use plugin_tests::plugins::manifest_of;
use sqllogictest::{DefaultColumnType, Record, parse_file};

use super::codec::difference;

fn test_files() -> PathBuf {
    let manifest = manifest_of("datafusion-sqllogictest");
    manifest.parent().unwrap().join("test_files")
}

/// Compares the plan of a query, as planned and as optimized, with what comes back.
async fn check(context: &SessionContext, sql: &str, counted: &mut usize) -> Option<String> {
    // What DataFusion itself refuses is no plan.
    let plan = context.state().create_logical_plan(sql).await.ok()?;
    *counted += 1;
    if let Some(difference) = difference(&plan) {
        return Some(difference);
    }
    let optimized = context.state().optimize(&plan).ok()?;
    *counted += 1;
    difference(&optimized)
}

const TPCH: &[&str] = &[
    "CREATE TABLE supplier (s_suppkey BIGINT, s_name VARCHAR, s_address VARCHAR, s_nationkey BIGINT, s_phone VARCHAR, s_acctbal DECIMAL(15, 2), s_comment VARCHAR)",
    "CREATE TABLE part (p_partkey BIGINT, p_name VARCHAR, p_mfgr VARCHAR, p_brand VARCHAR, p_type VARCHAR, p_size INT, p_container VARCHAR, p_retailprice DECIMAL(15, 2), p_comment VARCHAR)",
    "CREATE TABLE partsupp (ps_partkey BIGINT, ps_suppkey BIGINT, ps_availqty INT, ps_supplycost DECIMAL(15, 2), ps_comment VARCHAR)",
    "CREATE TABLE customer (c_custkey BIGINT, c_name VARCHAR, c_address VARCHAR, c_nationkey BIGINT, c_phone VARCHAR, c_acctbal DECIMAL(15, 2), c_mktsegment VARCHAR, c_comment VARCHAR)",
    "CREATE TABLE orders (o_orderkey BIGINT, o_custkey BIGINT, o_orderstatus VARCHAR, o_totalprice DECIMAL(15, 2), o_orderdate DATE, o_orderpriority VARCHAR, o_clerk VARCHAR, o_shippriority INT, o_comment VARCHAR)",
    "CREATE TABLE lineitem (l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber INT, l_quantity DECIMAL(15, 2), l_extendedprice DECIMAL(15, 2), l_discount DECIMAL(15, 2), l_tax DECIMAL(15, 2), l_returnflag VARCHAR, l_linestatus VARCHAR, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct VARCHAR, l_shipmode VARCHAR, l_comment VARCHAR)",
    "CREATE TABLE nation (n_nationkey BIGINT, n_name VARCHAR, n_regionkey BIGINT, n_comment VARCHAR)",
    "CREATE TABLE region (r_regionkey BIGINT, r_name VARCHAR, r_comment VARCHAR)",
];

#[tokio::test(flavor = "multi_thread")]
async fn tpch_plans_come_back() {
    let context = SessionContext::new();
    for statement in TPCH {
        context.sql(statement).await.unwrap();
    }
    let mut counted = 0;
    for number in 1..=22 {
        let file = test_files().join(format!("tpch/plans/q{number}.slt.part"));
        let text = fs::read_to_string(file).unwrap();
        let (_, query) = text.split_once("explain").unwrap();
        let (query, _) = query.split_once("----").unwrap();
        // The fifteenth makes a view, queries it and drops it.
        for sql in query
            .split(';')
            .map(str::trim)
            .filter(|sql| !sql.is_empty())
        {
            let difference = check(&context, sql, &mut counted).await;
            assert_eq!(difference, None, "query {number}: {sql}");
        }
    }
    assert!(counted >= 44, "{counted} plans");
}

/// Files with every kind of plan, and how many plans at least come of each.
const FILES: &[(&str, usize)] = &[
    ("subquery", 100),
    ("joins", 200),
    ("cte", 100),
    ("union", 60),
    ("window", 200),
    ("group_by", 200),
    ("order", 100),
    ("explain", 20),
    ("insert", 20),
    ("prepare", 20),
    ("unnest", 100),
    ("merge_into", 20),
    ("distinct_on", 10),
    ("ddl", 20),
    ("struct", 20),
    ("lateral_join", 30),
    ("null_aware_anti_join", 20),
    ("functional_dependencies", 5),
    ("grouping", 20),
    ("update", 5),
    ("delete", 5),
];

/// What does not cross, by the reason that the error gives.
const UNCARRIED: &[&str] = &[];

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_datafusions_sql_logic_tests_come_back() {
    let mut differences = BTreeMap::new();
    let mut total = 0;
    for (file, least) in FILES {
        let path = test_files().join(format!("{file}.slt"));
        let config = SessionConfig::new()
            .with_target_partitions(4)
            .with_information_schema(true);
        let context = SessionContext::new_with_config(config);
        let mut counted = 0;
        for record in parse_file::<DefaultColumnType>(&path).unwrap() {
            let (sql, is_query) = match record {
                Record::Query { sql, .. } => (sql, true),
                Record::Statement { sql, .. } => (sql, false),
                _ => continue,
            };
            if let Some(difference) = check(&context, &sql, &mut counted).await {
                let known = UNCARRIED.iter().any(|reason| difference.contains(reason));
                if !known {
                    differences.insert(format!("{file}: {sql}"), difference);
                }
            }
            // Statements make the tables that queries ask; those with files would write into the sources.
            let runs = !is_query && !sql.contains("scratch");
            if runs && let Ok(frame) = context.sql(&sql).await {
                let _ = frame.collect().await;
            }
        }
        if counted < *least {
            differences.insert(file.to_string(), format!("only {counted} plans"));
        }
        total += counted;
    }
    let text: Vec<_> = differences
        .iter()
        .map(|(sql, d)| format!("{sql}\n=> {d}\n"))
        .collect();
    assert!(
        text.is_empty(),
        "{} of {total} plans:\n{}",
        text.len(),
        text.join("\n")
    );
}
