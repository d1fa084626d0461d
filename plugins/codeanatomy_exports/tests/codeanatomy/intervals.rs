//! `interval_align`.

mod memory;
mod oracle;
mod paths;
mod shape;

use std::sync::Arc;

use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_codeanatomy::IntervalAlign;

use crate::{batches, planning_error, rows, session_with, shown};

pub(crate) fn aligning(config: SessionConfig) -> SessionContext {
    let context = session_with(config);
    context
        .register_relation_planner(Arc::new(IntervalAlign))
        .unwrap();
    context
}

async fn sample() -> SessionContext {
    let context = aligning(SessionConfig::new());
    for statement in [
        "CREATE TABLE l (path VARCHAR, bstart BIGINT, bend BIGINT, name VARCHAR) AS VALUES \
         ('a', 10, 20, 'ten'), ('a', 12, 14, 'twelve'), ('b', 10, 20, 'other'), (NULL, 1, 2, 'null')",
        "CREATE TABLE r (path VARCHAR, bstart INT, bend INT, id INT) AS VALUES \
         ('a', 10, 20, 1), ('a', 11, 15, 2), ('a', 0, 100, 3), ('b', 19, 30, 4), ('b', 0, 11, 5), \
         (NULL, 1, 2, 6), ('a', NULL, 20, 7), ('a', 11, 15, 8)",
    ] {
        batches(&context, statement).await.unwrap();
    }
    context
}

#[tokio::test]
async fn modes() {
    let context = sample().await;
    for (arguments, expected) in [
        (
            "",
            [
                "ten|1|EXACT|10.0",
                "twelve|2|CONTAINED|2.0",
                "other|5|OVERLAP|1.0",
            ]
            .as_slice(),
        ),
        (
            ", mode => 'overlap_max', tie_breakers => 'id DESC', how => 'left'",
            &[
                "ten|3|CONTAINED|10.0",
                "twelve|8|CONTAINED|2.0",
                "other|5|OVERLAP|1.0",
                "null|NULL|NULL|NULL",
            ],
        ),
        (
            ", mode => 'CONTAINED_BEST'",
            &["ten|1|EXACT|-10.0", "twelve|2|CONTAINED|-4.0"],
        ),
        (
            ", mode => 'CONTAINED_BEST', tie_breakers => 'bend, id DESC'",
            &["ten|1|EXACT|-10.0", "twelve|8|CONTAINED|-4.0"],
        ),
        (", mode => 'EXACT'", &["ten|1|EXACT|-10.0"]),
        (
            ", how => 'left', mode => 'EXACT'",
            &[
                "ten|1|EXACT|-10.0",
                "twelve|NULL|NULL|NULL",
                "other|NULL|NULL|NULL",
                "null|NULL|NULL|NULL",
            ],
        ),
    ] {
        let sql = format!(
            "SELECT name, right_id, match_kind, match_score FROM interval_align((SELECT * FROM l), (SELECT * FROM r){arguments}) \
             ORDER BY path NULLS LAST, bstart"
        );
        assert_eq!(rows(&context, &sql).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn relations_are_of_every_kind() {
    let context = sample().await;
    for sql in [
        "SELECT name, right_id FROM interval_align((SELECT * FROM l), (SELECT * FROM r WHERE id = 2))",
        "SELECT x.name, x.right_id FROM codeanatomy.interval_align((SELECT * FROM l), (SELECT * FROM r WHERE id = 2)) AS x",
        "SELECT name, right_id FROM interval_align((SELECT * FROM public.l), (SELECT * FROM datafusion.public.r WHERE id = 2))",
        "WITH q AS (SELECT path AS file, bstart AS s, bend AS e, name FROM l), \
         p AS (SELECT path AS file, bstart AS s, bend AS e, id FROM r WHERE id = 2) \
         SELECT name, right_id FROM interval_align(q, p, path => 'file', bstart => 's', bend => 'e')",
    ] {
        assert_eq!(
            rows(&context, &format!("SELECT * FROM ({sql}) ORDER BY 1")).await,
            ["ten|2", "twelve|2"],
            "{sql}"
        );
    }
    let columns = context
        .sql("SELECT * FROM interval_align((SELECT * FROM l), (SELECT * FROM r))")
        .await
        .unwrap();
    let names: Vec<_> = columns
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    let expected = [
        "path",
        "bstart",
        "bend",
        "name",
        "right_path",
        "right_bstart",
        "right_bend",
        "right_id",
        "match_kind",
        "match_score",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_filter_on_the_path_reaches_both_scans() {
    let context = sample().await;
    let sql = "EXPLAIN SELECT * FROM interval_align((SELECT * FROM l), (SELECT * FROM r), how => 'left') WHERE path = 'a' AND name = 'ten'";
    let plan = rows(&context, sql).await.join("\n");
    let logical = plan.split("physical_plan").next().unwrap();
    let below = logical.split_once("Aggregate:").unwrap().1;
    assert_eq!(below.matches("path = Utf8").count(), 2, "{plan}");
    // It would do no harm there, but nothing on other columns than the path gets through the aggregate.
    assert!(!below.contains("name ="), "{plan}");
    assert!(
        !plan.contains("CrossJoin") && !plan.contains("NestedLoop"),
        "{plan}"
    );
}

/// What the README says of filters that stay above: on the left side they may go where they keep rows from
/// being sorted, on the right side they would mean something else.
#[tokio::test]
async fn filters_inside_of_the_relations() {
    let context = sample().await;
    for mode in ["EXACT", "CONTAINED_BEST", "OVERLAP_MAX"] {
        for how in ["inner", "left"] {
            let aligned = async |left: &str, right: &str, above: &str| {
                let sql = format!(
                    "SELECT * FROM interval_align((SELECT * FROM l{left}), (SELECT * FROM r{right}), \
                     mode => '{mode}', how => '{how}', tie_breakers => 'id DESC'){above} ORDER BY name"
                );
                rows(&context, &sql).await
            };
            for filter in [
                " WHERE name <> 'twelve'",
                " WHERE bstart < 11 AND bend > 2",
                " WHERE name IS NULL",
            ] {
                let above = aligned("", "", filter).await;
                assert_eq!(
                    aligned(filter, "", "").await,
                    above,
                    "{mode} {how} {filter}"
                );
            }
            let above = aligned("", "", " WHERE right_id < 3").await;
            let inside = aligned("", " WHERE id < 3", "").await;
            assert_eq!(
                above == inside,
                (mode, how) == ("EXACT", "inner"),
                "{mode} {how}"
            );
        }
    }
}

/// It is compared as a number of 64 bits with a sign, and none that does not fit is taken for another.
#[tokio::test]
async fn unsigned_starts_and_ends() {
    let context = sample().await;
    let right = |end: &str| {
        format!(
            "SELECT 'a' AS path, arrow_cast(9, 'UInt64') AS bstart, arrow_cast({end}, 'UInt64') AS bend"
        )
    };
    let aligned = async |end: &str| {
        let sql = format!(
            "SELECT name, right_bend, match_score FROM interval_align((SELECT * FROM l), ({})) \
             ORDER BY name",
            right(end)
        );
        batches(&context, &sql).await
    };
    let largest = "9223372036854775807";
    let found = aligned(largest).await.unwrap();
    let expected = [
        format!("ten|{largest}|10.0"),
        format!("twelve|{largest}|2.0"),
    ];
    assert_eq!(shown(&found), expected);
    let error = aligned("9223372036854775808").await.unwrap_err();
    assert!(error.to_string().contains("9223372036854775808"), "{error}");
}

/// DataFusion takes a volatile filter without columns through every aggregate, but no column.
#[tokio::test]
async fn a_volatile_value_with_a_name_stays_above() {
    let context = sample().await;
    let call = "interval_align((SELECT * FROM l), (SELECT * FROM r))";
    for (sql, is_below) in [
        (format!("SELECT * FROM {call} WHERE random() < 0.5"), true),
        (
            format!("SELECT * FROM (SELECT *, random() AS r FROM {call}) WHERE r < 0.5"),
            false,
        ),
    ] {
        let plan = rows(&context, &format!("EXPLAIN FORMAT INDENT {sql}")).await;
        let plan = plan.join("\n");
        let logical = plan.split("physical_plan").next().unwrap();
        let (above, below) = logical.split_once("Aggregate:").unwrap();
        assert_eq!(below.contains("random()"), is_below, "{plan}");
        assert_eq!(above.contains("random()"), !is_below, "{plan}");
    }
}

/// `OVERLAP_MAX` without a match is what `span_overlaps` denies, whichever side is empty or backwards.
#[tokio::test]
async fn overlap_as_spans_do() {
    let context = aligning(SessionConfig::new());
    let places = (0..5).flat_map(|start| (-1..4).map(move |length| (start, start + length)));
    let places: Vec<_> = places.collect();
    for (table, offset) in [("l", 0), ("r", 100)] {
        let values = places.iter().enumerate();
        let values: Vec<_> = values
            .map(|(id, (start, end))| format!("({}, {start}, {end})", id + offset))
            .collect();
        let sql = format!(
            "CREATE TABLE {table} (id BIGINT, bstart BIGINT, bend BIGINT) AS VALUES {}",
            values.join(", ")
        );
        batches(&context, &sql).await.unwrap();
    }
    // Each pair is a file of its own.
    let pairs = "SELECT concat(l.id, ' ', r.id) AS path, l.bstart, l.bend, r.bstart AS s, r.bend AS e \
         FROM l, r";
    let spans = format!(
        "WITH p AS ({pairs}) SELECT path FROM p \
         WHERE span_overlaps(span_make(bstart, bend), span_make(s, e)) ORDER BY path"
    );
    let aligned = format!(
        "WITH p AS ({pairs}), l AS (SELECT path, bstart, bend FROM p), \
         r AS (SELECT path, s AS bstart, e AS bend FROM p) \
         SELECT path FROM interval_align(l, r) ORDER BY path"
    );
    let spans = rows(&context, &spans).await;
    assert_eq!(rows(&context, &aligned).await, spans);
    // Of the pairs of fifteen spans with one to three bytes.
    assert_eq!(spans.len(), 111);
}

/// Unnesting loses nothing, but DataFusion keeps the dependencies of what is unnested.
#[tokio::test]
async fn a_path_is_no_key() {
    let context = sample().await;
    let call = "interval_align((SELECT * FROM l), (SELECT * FROM r), how => 'left')";
    for (sql, expected) in [
        (
            format!("SELECT name FROM {call} WHERE path IS NOT NULL ORDER BY path, bend"),
            vec!["twelve", "ten", "other"],
        ),
        (
            format!(
                "SELECT name FROM {call} WHERE path IS NOT NULL ORDER BY right_path, bend, name"
            ),
            vec!["twelve", "ten", "other"],
        ),
        (
            format!("SELECT count(*) FROM (SELECT path, bend FROM {call} GROUP BY path, bend)"),
            vec!["4"],
        ),
        (
            format!("SELECT DISTINCT path FROM {call} ORDER BY path"),
            vec!["a", "b", "NULL"],
        ),
    ] {
        assert_eq!(rows(&context, &sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let context = sample().await;
    for (call, expected) in [
        (
            "interval_align((SELECT * FROM l))",
            "interval_align takes two relations",
        ),
        (
            "interval_align((SELECT * FROM l), 1)",
            "interval_align takes a query in parentheses or the name of one",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), mode => 'NEAREST')",
            "expected EXACT, CONTAINED_BEST or OVERLAP_MAX",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), how => 'full')",
            "'how' is 'full', expected inner or left",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), side => 'x')",
            "has no argument 'side', expected one of mode, how",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), path => 'file')",
            "the left relation has no column 'file', expected one of path",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), bstart => 'path')",
            "column 'path' of the left relation is of type",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), tie_breakers => 'id UP')",
            "expected ASC or DESC",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), tie_breakers => 'nothing')",
            "the right relation has no column 'nothing'",
        ),
        (
            "interval_align(l, (SELECT * FROM r))",
            "a table is given as (SELECT * FROM l)",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT * FROM r), mode => 'EXACT', MODE => 'EXACT')",
            "interval_align: the argument 'mode' is given twice",
        ),
        (
            "interval_align((SELECT *, 1 AS right_id FROM l), (SELECT * FROM r))",
            "two columns 'right_id': give one in the left relation another name",
        ),
        (
            "interval_align((SELECT *, 1 AS match_kind FROM l), (SELECT * FROM r))",
            "two columns 'match_kind': give one in the left relation another name",
        ),
        (
            "interval_align((SELECT l.*, m.name FROM l JOIN l m ON l.bend = m.bend), (SELECT * FROM r))",
            "two columns 'name': give one in the left relation another name",
        ),
        (
            "interval_align((SELECT * FROM l), (SELECT r.*, s.id FROM r JOIN r s ON r.id = s.id))",
            "two columns 'right_id': give one in the right relation another name",
        ),
    ] {
        let error = planning_error(&context, &format!("SELECT * FROM {call}")).await;
        assert!(error.contains(expected), "{call}: {error}");
    }
}
