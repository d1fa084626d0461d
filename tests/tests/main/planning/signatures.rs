//! Coercion of arguments, and their names.

use std::collections::BTreeMap;

use datafusion::{
    common::{DFSchema, Result},
    prelude::{SessionConfig, SessionContext},
};

use super::{
    super::twins::{linked_in_with, loaded_with},
    assert_same,
};

async fn outcome(context: &SessionContext, sql: &str) -> Result<(DFSchema, Vec<String>)> {
    let frame = context.sql(sql).await?;
    let schema = frame.schema().clone();
    let batches = frame.collect().await?;
    let rows = batches.iter().map(|batch| format!("{:?}", batch.columns()));
    Ok((schema, rows.collect()))
}

const ARGUMENTS: &[&str] = &[
    "",
    "1",
    "null",
    "'a'",
    "1.5",
    "true",
    "'2020-02-30'",
    "date '2020-02-29'",
    "timestamp '2020-02-29T12:00:00'",
    "arrow_cast('2020-02-29T12:00:00', 'Timestamp(Second, Some(\"Europe/Paris\"))')",
    "arrow_cast('a', 'Utf8View')",
    "arrow_cast('a', 'Dictionary(Int8, Utf8)')",
    "arrow_cast(1, 'UInt8')",
    "arrow_cast(1, 'Decimal128(10, 2)')",
    "[1, 2]",
    "[[1], [2]]",
    "map {'a': 1}",
    "struct(1, 2)",
    "1, 2",
    "1, 2.5",
    "1, 'a'",
    "'1', 'a'",
    "'a', 'b'",
    "null, null",
    "null, 'a'",
    "'a', arrow_cast('b', 'LargeUtf8')",
    "arrow_cast(1, 'Int8'), arrow_cast(2, 'UInt64')",
    "arrow_cast(1, 'Float32'), 2",
    "date '2020-02-29', timestamp '2020-02-29T12:00:00'",
    "timestamp '2020-02-29T12:00:00', 5",
    "[1, 2], 3, 1",
    "arrow_cast([1, 2], 'FixedSizeList(2, Int32)'), 2.5, 1",
    "arrow_cast([1, 2], 'LargeList(Int64)'), null, 1",
    "'a', 1, 2",
    "1, 2, 3, 4",
];

/// Every kind of signature meets every list of arguments: accepted, coerced or refused alike.
#[tokio::test]
async fn every_kind_of_signature_coerces_alike() {
    let linked_in = linked_in_with(SessionConfig::new());
    let loaded = loaded_with(SessionConfig::new());
    let mut accepted = BTreeMap::new();
    for (name, _) in fixture_twins::signatures::all() {
        for arguments in ARGUMENTS {
            let sql = format!("select {name}({arguments})");
            let result = outcome(&linked_in, &sql).await;
            *accepted.entry(name).or_insert(0) += usize::from(result.is_ok());
            assert_same(&sql, result, outcome(&loaded, &sql).await);
        }
    }
    // None takes everything and each takes something, so the lists tell the kinds apart.
    for (name, count) in accepted {
        assert!(count > 0, "no arguments suit {name}");
        assert!(count < ARGUMENTS.len(), "{name} refuses nothing");
    }
}

#[tokio::test]
async fn arguments_go_by_name_and_functions_by_their_aliases() {
    let linked_in = linked_in_with(SessionConfig::new());
    let loaded = loaded_with(SessionConfig::new());
    for (sql, works) in [
        ("select named(5, 3)", true),
        ("select named(minuend => 5, subtrahend => 3)", true),
        ("select named(subtrahend => 3, minuend => 5)", true),
        ("select named(5, subtrahend => 3)", true),
        ("select difference(subtrahend => 3, minuend => 5)", true),
        ("select minus_of(5, 3)", true),
        ("select named(minuend => 5)", false),
        ("select named(other => 5, subtrahend => 3)", false),
        ("select named(minuend => 5, minuend => 3)", false),
    ] {
        let result = outcome(&linked_in, sql).await;
        assert_eq!(result.is_ok(), works, "{sql}: {result:?}");
        assert_same(sql, result, outcome(&loaded, sql).await);
    }
    let qualified = outcome(&loaded, "select twins.named(subtrahend => 3, minuend => 5)").await;
    assert!(qualified.unwrap().1[0].contains('2'));
}

#[tokio::test]
async fn documentation_and_aliases_are_equal() {
    let twins = super::super::twins::twins();
    for (name, udf) in twins.linked_in.scalar_functions() {
        let loaded = &twins.loaded.scalar_functions()[name];
        assert_eq!(loaded.documentation(), udf.documentation(), "{name}");
        assert_eq!(loaded.name(), udf.name());
        assert_eq!(
            loaded.signature().volatility,
            udf.signature().volatility,
            "{name}"
        );
        assert_eq!(
            loaded.signature().parameter_names,
            udf.signature().parameter_names,
            "{name}"
        );
    }
    let named = &twins.loaded.scalar_functions()["named"];
    assert_eq!(
        named.documentation(),
        Some(&*fixture_twins::planned::DOCUMENTATION)
    );
    for alias in ["difference", "minus_of"] {
        assert!(
            named.aliases().iter().any(|known| known == alias),
            "{:?}",
            named.aliases()
        );
        assert_eq!(&twins.loaded.scalar_functions()[alias], named);
    }
}
