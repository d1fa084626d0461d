//! Strategies for types and fields.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode,
};
use proptest::prelude::*;
use proptest::sample::select;

/// A field of any type: nullable or not, with and without metadata, some with an extension type.
pub fn field() -> impl Strategy<Value = FieldRef> {
    prop_oneof![6 => of_type(data_type().boxed()), 1 => extension()]
}

/// Any type: a plain, encoded or nested one, nested up to three levels.
pub fn data_type() -> impl Strategy<Value = DataType> {
    let nested = flat().prop_recursive(3, 12, 3, |inner| {
        let member = prop_oneof![8 => of_type(inner.boxed()), 1 => extension()].boxed();
        prop_oneof![
            lists(member.clone()),
            structs(member.clone()),
            map(member.clone()),
            union(member)
        ]
    });
    prop_oneof![flat(), nested]
}

fn flat() -> impl Strategy<Value = DataType> {
    // A dictionary and run ends encode plain types only.
    prop_oneof![4 => plain(), 1 => dictionary(), 1 => run_ends()]
}

fn plain() -> impl Strategy<Value = DataType> {
    prop_oneof![3 => fixed_width(), 1 => variable_width(), 1 => decimal()]
}

fn fixed_width() -> impl Strategy<Value = DataType> {
    let zoned = (
        time_unit(),
        select(vec!["UTC", "Europe/Berlin", "+05:30", "-09:00"]),
    )
        .prop_map(|(unit, zone)| DataType::Timestamp(unit, Some(zone.into())));
    let interval = select(vec![
        IntervalUnit::YearMonth,
        IntervalUnit::DayTime,
        IntervalUnit::MonthDayNano,
    ]);
    prop_oneof![
        4 => select(vec![
            DataType::Null,
            DataType::Boolean,
            DataType::Int8,
            DataType::Int16,
            DataType::Int32,
            DataType::Int64,
            DataType::UInt8,
            DataType::UInt16,
            DataType::UInt32,
            DataType::UInt64,
            DataType::Float16,
            DataType::Float32,
            DataType::Float64,
            DataType::Date32,
            DataType::Date64,
            DataType::Time32(TimeUnit::Second),
            DataType::Time32(TimeUnit::Millisecond),
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Time64(TimeUnit::Nanosecond),
        ]),
        1 => zoned,
        1 => time_unit().prop_map(|unit| DataType::Timestamp(unit, None)),
        1 => time_unit().prop_map(DataType::Duration),
        1 => interval.prop_map(DataType::Interval),
    ]
}

fn variable_width() -> impl Strategy<Value = DataType> {
    select(vec![
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::FixedSizeBinary(1),
        DataType::FixedSizeBinary(7),
        DataType::FixedSizeBinary(16),
    ])
}

fn decimal() -> impl Strategy<Value = DataType> {
    prop_oneof![
        (1..=9u8).prop_flat_map(scaled(DataType::Decimal32)),
        (1..=18u8).prop_flat_map(scaled(DataType::Decimal64)),
        (1..=38u8).prop_flat_map(scaled(DataType::Decimal128)),
        (1..=76u8).prop_flat_map(scaled(DataType::Decimal256)),
    ]
}

fn scaled(of: fn(u8, i8) -> DataType) -> impl Fn(u8) -> BoxedStrategy<DataType> {
    move |precision| {
        (-2..=precision as i8)
            .prop_map(move |scale| of(precision, scale))
            .boxed()
    }
}

fn time_unit() -> impl Strategy<Value = TimeUnit> {
    select(vec![
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ])
}

fn dictionary() -> impl Strategy<Value = DataType> {
    let keys = select(vec![
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
    ]);
    let values = plain().prop_filter("a dictionary of nulls is not one", |values| {
        !values.is_null()
    });
    (keys, values).prop_map(|(keys, values)| DataType::Dictionary(keys.into(), values.into()))
}

fn run_ends() -> impl Strategy<Value = DataType> {
    let ends = select(vec![DataType::Int16, DataType::Int32, DataType::Int64]);
    let values = prop_oneof![3 => plain(), 1 => dictionary()];
    (ends, values).prop_map(|(ends, values)| {
        DataType::RunEndEncoded(
            Field::new("run_ends", ends, false).into(),
            Field::new("values", values, true).into(),
        )
    })
}

fn lists(item: BoxedStrategy<FieldRef>) -> impl Strategy<Value = DataType> {
    let of = select(vec![
        DataType::List as fn(FieldRef) -> DataType,
        DataType::LargeList,
        DataType::ListView,
        DataType::LargeListView,
        |item| DataType::FixedSizeList(item, 0),
        |item| DataType::FixedSizeList(item, 3),
    ]);
    (of, item).prop_map(|(of, item)| of(item))
}

fn structs(member: BoxedStrategy<FieldRef>) -> impl Strategy<Value = DataType> {
    prop::collection::vec(member, 0..4).prop_map(|members| DataType::Struct(members.into()))
}

fn map(value: BoxedStrategy<FieldRef>) -> impl Strategy<Value = DataType> {
    (plain(), value, any::<bool>()).prop_filter_map("no null keys", |(key, value, ordered)| {
        if key.is_null() {
            return None;
        }
        let key = Arc::new(Field::new("key", key, false));
        let entries = DataType::Struct(Fields::from(vec![key, value]));
        Some(DataType::Map(
            Field::new("entries", entries, false).into(),
            ordered,
        ))
    })
}

fn union(member: BoxedStrategy<FieldRef>) -> impl Strategy<Value = DataType> {
    let mode = select(vec![UnionMode::Sparse, UnionMode::Dense]);
    (mode, prop::collection::vec(member, 1..4)).prop_map(|(mode, members)| {
        // Type ids need neither start at zero nor follow one another.
        let ids = (0..members.len()).map(|index| 3 + 5 * index as i8);
        DataType::Union(UnionFields::try_new(ids, members).unwrap(), mode)
    })
}

fn of_type(data_type: BoxedStrategy<DataType>) -> impl Strategy<Value = FieldRef> {
    let name = select(vec!["a", "item", "with space", "Großbuchstabe", "", "a.b"]);
    let metadata = prop_oneof![
        3 => Just(HashMap::new()),
        1 => Just(metadata(&[("unit", "m/s"), ("note", "ünï")])),
    ];
    (name, data_type, any::<bool>(), metadata).prop_map(|(name, data_type, nullable, metadata)| {
        let nullable = nullable || must_be_nullable(&data_type);
        Arc::new(Field::new(name, data_type, nullable).with_metadata(metadata))
    })
}

/// Whether the type's own values may be null, so that a field of it cannot promise otherwise.
fn must_be_nullable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null | DataType::RunEndEncoded(..) | DataType::Dictionary(..) => true,
        DataType::Union(members, _) => members.iter().any(|(_, member)| member.is_nullable()),
        _ => false,
    }
}

/// Extension types: Arrow's canonical ones and one that nobody knows.
fn extension() -> impl Strategy<Value = FieldRef> {
    let point = DataType::Struct(Fields::from(vec![
        Field::new("x", DataType::Float64, false),
        Field::new("y", DataType::Float64, false),
    ]));
    let known = select(vec![
        (DataType::FixedSizeBinary(16), "arrow.uuid", None),
        (DataType::Utf8View, "arrow.json", Some("")),
        (DataType::Int8, "arrow.bool8", Some("")),
        (point, "example.point", Some(r#"{"crs":"EPSG:4326"}"#)),
    ]);
    (known, any::<bool>()).prop_map(|((data_type, name, parameters), nullable)| {
        let mut pairs = vec![("ARROW:extension:name", name)];
        pairs.extend(parameters.map(|text| ("ARROW:extension:metadata", text)));
        Arc::new(Field::new("extension", data_type, nullable).with_metadata(metadata(&pairs)))
    })
}

fn metadata(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}
