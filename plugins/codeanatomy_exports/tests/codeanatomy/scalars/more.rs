//! What the table of cases has no form for.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, DictionaryArray, Int32Array, Int64Array, ListArray, MapArray, NullArray,
            RecordBatch, StringArray, StructArray,
        },
        buffer::{NullBuffer, OffsetBuffer},
        compute::cast,
        datatypes::{DataType, Field, FieldRef, Int64Type},
    },
    common::ScalarValue,
    config::ConfigOptions,
    logical_expr::{ColumnarValue, ScalarFunctionArgs},
};
use datafusion_codeanatomy::scalar_functions;

use crate::{batches, register, rows, session};

async fn field(sql: &str) -> FieldRef {
    let frame = session().sql(sql).await.unwrap();
    Arc::clone(frame.schema().field(0))
}

#[tokio::test]
async fn identifiers_say_what_they_identify() {
    for call in [
        "stable_id({p}, 'x')",
        "stable_id_parts({p}, 'x', 1)",
        "stable_id_multi({p}, null)",
        "span_id({p}, 'x', 1, 2)",
        "span_id({p}, 'x', 1, 2, 'def')",
    ] {
        for (prefix, semantic) in [
            ("node", "NodeId"),
            ("edge_id", "EdgeId"),
            ("SPAN", "SpanId"),
        ] {
            let call = call.replace("{p}", &format!("'{prefix}'"));
            let field = field(&format!("SELECT {call}")).await;
            assert_eq!(field.metadata()["semantic_type"], semantic, "{call}");
        }
        let other = call.replace("{p}", "'file'");
        let other = field(&format!("SELECT {other}")).await;
        assert!(other.metadata().is_empty(), "{call}");
        let column = call.replace("{p}", "p");
        let column = format!("SELECT {column} FROM (VALUES ('node')) t(p)");
        assert!(field(&column).await.metadata().is_empty(), "{call}");
    }
    // These are other identifiers, of 64 bits.
    for call in [
        "prefixed_hash_parts64('node', 'x')",
        "prefixed_hash64('node', 'x')",
    ] {
        let field = field(&format!("SELECT {call}")).await;
        assert!(field.metadata().is_empty(), "{call}");
    }
}

#[tokio::test]
async fn tags_are_metadata() {
    let tagged = field("SELECT semantic_tag('FileId', 1)").await;
    assert_eq!(tagged.metadata()["semantic_type"], "FileId");
    assert_eq!(tagged.data_type(), &DataType::Int64);
    let tagged = field("SELECT cpg_score(semantic_tag('node', 'x'))").await;
    assert_eq!(tagged.metadata()["semantic_type"], "NodeId");
    let context = session();
    for (sql, expected) in [
        (
            "arrow_metadata(semantic_tag('FileId', 1), 'semantic_type')",
            "FileId",
        ),
        (
            "arrow_metadata(semantic_tag('FileId', null), 'semantic_type')",
            "FileId",
        ),
        ("arrow_metadata(semantic_tag('FileId', 1), 'other')", "NULL"),
        (
            "arrow_metadata(semantic_tag('FileId', 1))",
            "{semantic_type: FileId}",
        ),
        ("arrow_metadata(1)", "{}"),
        ("semantic_tag('FileId', 7)", "7"),
        ("semantic_tag('FileId', cast(null as int))", "NULL"),
    ] {
        assert_eq!(
            rows(&context, &format!("SELECT {sql}")).await,
            [expected],
            "{sql}"
        );
    }
    let column = "SELECT arrow_metadata(semantic_tag('x', value), 'semantic_type') FROM range(3)";
    assert_eq!(rows(&context, column).await, ["x", "x", "x"]);
}

/// Fields say what columns do, of whatever strings and from whatever row on.
#[tokio::test]
async fn tags_are_on_every_kind_of_strings() {
    let context = session();
    for text in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
        let values = StringArray::from(vec![Some("w"), Some(""), None, Some("x"), Some("y")]);
        let values = cast(&values, &text).unwrap();
        let batch = RecordBatch::try_from_iter_with_nullable([("v", values, true)]).unwrap();
        register(&context, "input", batch.slice(1, 3));
        let tagged = "semantic_tag('FileId', v)";
        let sql = format!(
            "SELECT {tagged}, arrow_typeof({tagged}), arrow_metadata(v), arrow_metadata({tagged}), \
             arrow_metadata({tagged}, 'semantic_type'), semantic_tag('node', v) FROM input"
        );
        let expected = ["", "NULL", "x"]
            .map(|v| format!("{v}|{text}|{{}}|{{semantic_type: FileId}}|FileId|{v}"));
        assert_eq!(rows(&context, &sql).await, expected);
        let frame = context.sql(&sql).await.unwrap();
        let field = frame.schema().field(5);
        assert_eq!(field.metadata()["semantic_type"], "NodeId");
        assert_eq!(field.data_type(), &text);
    }
}

/// Nothing is known of the type of such a map or struct.
#[tokio::test]
async fn a_null_of_no_type_is_null() {
    let context = session();
    for (call, data_type) in [
        ("map_get_default(NULL, 'a', 7)", "Int64"),
        ("map_get_default(NULL, NULL, NULL)", "Null"),
        ("map_normalize(NULL)", "Null"),
        ("map_normalize(NULL, 'upper', false)", "Null"),
        ("struct_pick(NULL, 'a', 'b')", "Struct"),
        ("struct_pick(NULL, 'a')['a']", "Null"),
        ("span_len(NULL)", "Int64"),
        ("list_compact(NULL)", "List"),
        ("list_unique_sorted(NULL)", "List"),
    ] {
        let sql = format!("SELECT {call}");
        assert_eq!(rows(&context, &sql).await, ["NULL"], "{call}");
        let sql = format!("SELECT arrow_typeof({call})");
        let found = rows(&context, &sql).await;
        assert!(found[0].starts_with(data_type), "{call}: {found:?}");
        let call = call.replacen("NULL", "n", 1);
        let sql = format!("SELECT {call} FROM (SELECT NULL AS n FROM range(2))");
        assert_eq!(rows(&context, &sql).await, ["NULL", "NULL"], "{call}");
    }
    let sql = "SELECT coalesce(map_normalize(NULL), map {'a': 1})";
    assert_eq!(rows(&context, sql).await, ["{a: 1}"]);
}

/// Keys that were in order may be in none when they are in one case.
#[tokio::test]
async fn maps_do_not_say_that_they_are_sorted() {
    let fields = vec![
        Arc::new(Field::new("keys", DataType::Utf8, false)),
        Arc::new(Field::new("values", DataType::Int64, true)),
    ];
    let keys = StringArray::from(vec!["B", "a"]);
    let values = Int64Array::from(vec![1, 2]);
    let entries = StructArray::new(fields.into(), vec![Arc::new(keys), Arc::new(values)], None);
    let entry = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    let offsets = OffsetBuffer::new(vec![0, 2].into());
    let maps = MapArray::new(entry, offsets, entries, None, true);
    let sorted = maps.data_type().clone();
    let context = session();
    let batch = RecordBatch::try_from_iter([("m", Arc::new(maps) as _)]).unwrap();
    register(&context, "maps", batch);
    for (call, expected) in [
        ("map_normalize(m, 'lower', false)", "{b: 1, a: 2}"),
        ("map_normalize(m)", "{a: 2, b: 1}"),
    ] {
        let found = batches(&context, &format!("SELECT {call} FROM maps")).await;
        let found = found.unwrap();
        assert_eq!(crate::shown(&found), [expected]);
        let data_type = found[0].column(0).data_type();
        assert!(matches!(data_type, DataType::Map(_, false)), "{data_type}");
    }
    let functions = scalar_functions(&Default::default());
    let normalize = functions.iter().find(|f| f.name() == "map_normalize");
    let data_type = normalize.unwrap().return_type(&[sorted]).unwrap();
    assert!(matches!(data_type, DataType::Map(_, false)), "{data_type}");
}

#[tokio::test]
async fn keys_that_become_the_same() {
    let context = session();
    for (call, expected) in [
        (
            "map_normalize(map {'ΑΣ': 1, 'É': 2, 'ας': 3, 'é': 4}, 'lower', false)",
            "{ας: 3, é: 4}",
        ),
        (
            "map_normalize(map {'ß': 1, 'SS': 2, 'é': 3}, 'upper')",
            "{SS: 2, É: 3}",
        ),
        ("map_normalize(map {'İ': 1, 'i': 2})", "{i: 2, i\u{307}: 1}"),
    ] {
        let sql = format!("SELECT {call}");
        assert_eq!(rows(&context, &sql).await, [expected], "{call}");
    }
    // Of sixty keys two each, `k` and `K`, become one.
    let keys = (0..60).map(|n| format!("'{}{}'", ["k", "K"][n % 2], n / 2 % 30));
    let map = format!("map([{}], range(60))", keys.collect::<Vec<_>>().join(", "));
    for sort in [false, true] {
        let mut expected: Vec<_> = (0..30).map(|n| (format!("k{n}"), 2 * n + 1)).collect();
        if sort {
            expected.sort();
        }
        let expected = expected
            .iter()
            .map(|(key, value)| format!("{key}: {value}"));
        let expected = format!("{{{}}}", expected.collect::<Vec<_>>().join(", "));
        // Of several maps each is on its own.
        let sql =
            format!("SELECT map_normalize(m, 'lower', {sort}) FROM (SELECT {map} m FROM range(2))");
        assert_eq!(rows(&context, &sql).await, [expected.as_str(); 2], "{sort}");
    }
}

#[tokio::test]
async fn nulls_are_announced() {
    for (call, nullable) in [
        ("stable_hash64('a')", false),
        ("stable_hash64(a)", true),
        ("stable_hash_any(a)", false),
        ("stable_id_parts('p', a)", false),
        ("stable_id_parts(a, 'p')", true),
        ("span_make(1, 2)", false),
        ("utf8_null_if_blank('a')", true),
    ] {
        let sql = format!("SELECT {call} FROM (VALUES ('x'), (null)) t(a)");
        assert_eq!(field(&sql).await.is_nullable(), nullable, "{call}");
    }
}

#[test]
fn strict_functions_say_so() {
    let lenient = [
        "stable_hash_any",
        "stable_id_parts",
        "prefixed_hash_parts64",
        "span_id",
        "map_get_default",
        "arrow_metadata",
    ];
    for function in scalar_functions(&Default::default()) {
        let name = function.name();
        assert_eq!(function.is_strict(), !lenient.contains(&name), "{name}");
    }
}

/// There is a null in a dictionary's values, and a column of the type Null has no validity of its own.
#[tokio::test]
async fn nulls_of_every_type_are_the_sentinel() {
    let context = session();
    let values = StringArray::from(vec![None, Some("a")]);
    let keys = Int32Array::from(vec![Some(0), None, Some(1)]);
    let dictionary = DictionaryArray::new(keys, Arc::new(values));
    let nothing = NullArray::new(3);
    let columns = [
        ("d", Arc::new(dictionary) as _, true),
        ("n", Arc::new(nothing) as _, true),
    ];
    register(
        &context,
        "input",
        RecordBatch::try_from_iter_with_nullable(columns).unwrap(),
    );
    let of = |column: &str| {
        format!(
            "SELECT stable_hash_any({column}) = stable_hash128('__NULL__'), \
             stable_id_parts('p', {column}) = stable_id('p', '__NULL__') FROM input"
        )
    };
    let expected = ["true|true", "true|true", "false|false"];
    assert_eq!(rows(&context, &of("d")).await, expected);
    assert_eq!(rows(&context, &of("n")).await, ["true|true"; 3]);
}

/// Lists whose elements do not start at the array's first, with something under a null.
#[tokio::test]
async fn lists_of_which_not_every_element_counts() {
    let values = Int64Array::from(vec![9, 9, 3, 1, 3, 7, 7, 2]);
    let lists = ListArray::new(
        Arc::new(Field::new_list_field(DataType::Int64, true)),
        OffsetBuffer::new(vec![0, 2, 5, 7, 7, 8].into()),
        Arc::new(values),
        Some(NullBuffer::from(vec![true, true, false, true, true])),
    );
    let batch = RecordBatch::try_from_iter([("list", Arc::new(lists) as _)]).unwrap();
    let context = session();
    register(&context, "lists", batch.slice(1, 4));
    let sql = "SELECT list_unique_sorted(list), list_compact(list) FROM lists";
    let expected = ["[1, 3]|[3, 1, 3]", "NULL|NULL", "[]|[]", "[2]|[2]"];
    assert_eq!(rows(&context, sql).await, expected);
}

/// Maps that are a slice of others, with something under a null, beside constants.
#[tokio::test]
async fn maps_of_which_not_every_entry_counts() {
    let keys = StringArray::from(vec!["X", "B", "a", "X", "C"]);
    let values = Int64Array::from(vec![Some(9), Some(1), None, Some(9), Some(2)]);
    let entries = StructArray::from(vec![
        (
            Arc::new(Field::new("keys", DataType::Utf8, false)),
            Arc::new(keys) as _,
        ),
        (
            Arc::new(Field::new("values", DataType::Int64, true)),
            Arc::new(values) as _,
        ),
    ]);
    let maps = MapArray::new(
        Arc::new(Field::new("entries", entries.data_type().clone(), false)),
        OffsetBuffer::new(vec![0, 1, 3, 4, 4, 5].into()),
        entries,
        Some(NullBuffer::from(vec![true, true, false, true, true])),
        false,
    );
    let wanted = StringArray::from(vec!["X", "B", "X", "B", "C"]);
    let defaults = Int64Array::from(vec![10, 20, 30, 40, 50]);
    let columns = [
        ("m", Arc::new(maps) as _, true),
        ("k", Arc::new(wanted) as _, true),
        ("d", Arc::new(defaults) as _, true),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let context = session();
    register(&context, "maps", batch.slice(1, 4));
    for (call, expected) in [
        ("map_get_default(m, k, d)", ["1", "NULL", "40", "2"]),
        ("map_get_default(m, 'a', d)", ["20", "NULL", "40", "50"]),
        ("map_get_default(m, k, -1)", ["1", "NULL", "-1", "2"]),
        (
            "map_get_default(map {'B': 7}, k, d)",
            ["7", "30", "7", "50"],
        ),
        (
            "map_get_default(map {'B': 7}, k, '8')",
            ["7", "8", "7", "8"],
        ),
        (
            "map_normalize(m)",
            ["{a: NULL, b: 1}", "NULL", "{}", "{c: 2}"],
        ),
        (
            "map_normalize(map {'b': 7, 'A': 8}, 'lower', d > 30)",
            [
                "{b: 7, a: 8}",
                "{b: 7, a: 8}",
                "{a: 8, b: 7}",
                "{a: 8, b: 7}",
            ],
        ),
    ] {
        let sql = format!("SELECT {call} FROM maps");
        assert_eq!(rows(&context, &sql).await, expected, "{call}");
    }
}

#[tokio::test]
async fn a_list_keeps_its_type() {
    let context = session();
    let sql = "SELECT arrow_typeof(list_compact(arrow_cast([1, null], 'LargeList(Int64)')))";
    assert!(rows(&context, sql).await[0].contains("LargeList"));
    let sql = "SELECT list_compact([null]), list_unique_sorted([null]), list_compact([])";
    assert_eq!(rows(&context, sql).await, ["[]|[]|[]"]);
}

#[tokio::test]
async fn lengths_that_do_not_fit_are_errors() {
    let sql = "SELECT span_len(span_make(a, 9223372036854775807)) FROM (VALUES (-1)) t(a)";
    let error = batches(&session(), sql).await.unwrap_err();
    assert!(error.to_string().contains("does not fit Int64"), "{error}");
}

/// Functions are called with constants and columns side by side, without DataFusion in between.
#[test]
fn constants_stay_constants() {
    let functions = scalar_functions(&Default::default());
    let hash = functions
        .iter()
        .find(|f| f.name() == "prefixed_hash64")
        .unwrap();
    let text = Arc::new(Field::new("a", DataType::Utf8, true));
    let call = |args: Vec<ColumnarValue>, number_rows| {
        hash.invoke_with_args(ScalarFunctionArgs {
            args,
            arg_fields: vec![Arc::clone(&text), Arc::clone(&text)],
            number_rows,
            return_field: Arc::clone(&text),
            config_options: Arc::new(ConfigOptions::new()),
        })
    };
    let scalar = |text: &str| ColumnarValue::Scalar(ScalarValue::from(text));
    let constant = call(vec![scalar("p"), scalar("os.path")], 5).unwrap();
    let ColumnarValue::Scalar(constant) = constant else {
        panic!("{constant:?} is no constant");
    };
    assert_eq!(constant, ScalarValue::from("p:948482515917179653"));
    let column = StringArray::from(vec![Some("os.path"), None]);
    let mixed = call(vec![scalar("p"), ColumnarValue::Array(Arc::new(column))], 2).unwrap();
    let ColumnarValue::Array(mixed) = mixed else {
        panic!("{mixed:?} is no column");
    };
    let expected = StringArray::from(vec![Some("p:948482515917179653"), None]);
    assert_eq!(mixed.as_ref(), &expected as &dyn Array);
}

/// What the bytes under an invalid slot are does not matter.
#[tokio::test]
async fn spans_with_a_null_end() {
    use datafusion::arrow::array::PrimitiveArray;
    let numbers = |values: Vec<Option<i64>>| Arc::new(PrimitiveArray::<Int64Type>::from(values));
    let spans = StructArray::from(vec![
        (
            Arc::new(Field::new("bstart", DataType::Int64, true)),
            numbers(vec![Some(1), None]) as _,
        ),
        (
            Arc::new(Field::new("bend", DataType::Int64, true)),
            numbers(vec![None, Some(2)]) as _,
        ),
    ]);
    let context = session();
    register(
        &context,
        "spans",
        RecordBatch::try_from_iter([("s", Arc::new(spans) as _)]).unwrap(),
    );
    let sql = "SELECT span_len(s), span_overlaps(s, span_make(0, 9)) FROM spans";
    assert_eq!(rows(&context, sql).await, ["NULL|NULL", "NULL|NULL"]);
}
