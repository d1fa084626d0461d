#![allow(clippy::unwrap_used, clippy::expect_used)]

use arrow::datatypes::{Field, Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode};
use datafusion_common::types::{LogicalField, logical_string};
use datafusion_expr::TIMEZONE_WILDCARD;

use super::*;
use crate::abi::{ErrorKind, TypesOf, export_fields, import_types};

/// The signature as the other side reads it: through JSON and the C data interface.
fn over(signature: &Signature) -> Signature {
    let mut types = TypeList::default();
    let message = signature_to_message(signature, &mut types).unwrap();
    let message = serde_json::from_slice(&serde_json::to_vec(&message).unwrap()).unwrap();
    let fields: Fields = types
        .as_slice()
        .iter()
        .map(|data_type| Field::new("", data_type.clone(), true))
        .collect();
    let schema = import_types(&export_fields(&fields).unwrap(), TypesOf::Signatures).unwrap();
    let types: Vec<_> = schema
        .fields
        .iter()
        .map(|f| f.data_type().clone())
        .collect();
    signature_from_message(&message, &types).unwrap()
}

fn assert_survives(accepts: TypeSignature) {
    for volatility in [
        Volatility::Immutable,
        Volatility::Stable,
        Volatility::Volatile,
    ] {
        let signature = Signature::new(accepts.clone(), volatility);
        assert_eq!(over(&signature), signature);
    }
}

fn list_of(data_type: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", data_type, false)))
}

fn many_types() -> Vec<DataType> {
    let zone = |zone: &str| DataType::Timestamp(TimeUnit::Nanosecond, Some(zone.into()));
    let field = Arc::new(Field::new("item", DataType::Utf8View, true));
    vec![
        DataType::Null,
        DataType::Boolean,
        DataType::Int8,
        DataType::UInt64,
        DataType::Float16,
        DataType::Timestamp(TimeUnit::Second, None),
        zone(TIMEZONE_WILDCARD),
        zone("Europe/Paris"),
        zone("+07:30"),
        DataType::Date32,
        DataType::Date64,
        DataType::Time32(TimeUnit::Millisecond),
        DataType::Time64(TimeUnit::Nanosecond),
        DataType::Duration(TimeUnit::Microsecond),
        DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::FixedSizeBinary(16),
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Decimal32(5, 2),
        DataType::Decimal64(12, -3),
        DataType::Decimal128(38, 10),
        DataType::Decimal256(76, 0),
        list_of(list_of(zone("UTC"))),
        DataType::LargeList(Arc::clone(&field)),
        DataType::ListView(Arc::clone(&field)),
        DataType::FixedSizeList(Arc::clone(&field), 3),
        // DataFusion's wildcard for any size.
        DataType::FixedSizeList(field, i32::MIN),
        DataType::Struct(Fields::from(vec![
            Field::new("a", DataType::Int32, false),
            Field::new("b", list_of(DataType::Utf8), true),
        ])),
        DataType::Map(
            Arc::new(Field::new(
                "entries",
                DataType::Struct(Fields::from(vec![
                    Field::new("key", DataType::Utf8, false),
                    Field::new("value", DataType::Decimal128(10, 2), true),
                ])),
                false,
            )),
            true,
        ),
        DataType::Union(
            UnionFields::try_new(
                [4, 2],
                [
                    Field::new("x", DataType::Int64, true),
                    Field::new("y", DataType::Boolean, false),
                ],
            )
            .unwrap(),
            UnionMode::Dense,
        ),
        DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::LargeUtf8)),
        DataType::RunEndEncoded(
            Arc::new(Field::new("run_ends", DataType::Int32, false)),
            Arc::new(Field::new("values", DataType::Float32, true)),
        ),
    ]
}

#[test]
fn plain_variants_survive() {
    for accepts in [
        TypeSignature::UserDefined,
        TypeSignature::VariadicAny,
        TypeSignature::Variadic(many_types()),
        TypeSignature::Uniform(3, many_types()),
        TypeSignature::Exact(many_types()),
        TypeSignature::Exact(vec![DataType::Utf8; 3]),
        TypeSignature::Comparable(2),
        TypeSignature::Any(4_000),
        TypeSignature::Numeric(1),
        TypeSignature::String(4),
        TypeSignature::Nullary,
        TypeSignature::OneOf(vec![]),
    ] {
        assert_survives(accepts);
    }
}

#[test]
fn array_signatures_survive() {
    assert_survives(TypeSignature::ArraySignature(
        ArrayFunctionSignature::RecursiveArray,
    ));
    assert_survives(TypeSignature::ArraySignature(
        ArrayFunctionSignature::MapArray,
    ));
    for array_coercion in [None, Some(ListCoercion::FixedSizedListToList)] {
        assert_survives(TypeSignature::ArraySignature(
            ArrayFunctionSignature::Array {
                arguments: vec![
                    ArrayFunctionArgument::Element,
                    ArrayFunctionArgument::Index,
                    ArrayFunctionArgument::Array,
                    ArrayFunctionArgument::String,
                ],
                array_coercion,
            },
        ));
    }
}

/// Every class, natives of many types among them.
fn all_classes() -> Vec<TypeSignatureClass> {
    let mut classes = vec![
        TypeSignatureClass::Any,
        TypeSignatureClass::Timestamp,
        TypeSignatureClass::Time,
        TypeSignatureClass::Interval,
        TypeSignatureClass::Duration,
        TypeSignatureClass::Integer,
        TypeSignatureClass::Float,
        TypeSignatureClass::Decimal,
        TypeSignatureClass::Numeric,
        TypeSignatureClass::Binary,
    ];
    classes.extend(
        many_types()
            .into_iter()
            .map(|data_type| TypeSignatureClass::Native(Arc::new(NativeType::from(data_type)))),
    );
    classes
}

#[test]
fn coercions_survive() {
    for class in all_classes() {
        assert_survives(TypeSignature::Coercible(vec![
            Coercion::new_exact(class.clone()),
            Coercion::new_exact(class.clone())
                .with_encoding_preservation(EncodingPreservation::dictionary()),
        ]));
    }
    for cast_to in many_types() {
        let native = NativeType::from(&cast_to);
        let string = TypeSignatureClass::Native(logical_string());
        let implicit = Coercion::new_implicit(string, all_classes(), native);
        assert_survives(TypeSignature::Coercible(vec![
            implicit.clone(),
            implicit.with_encoding_preservation(EncodingPreservation::dictionary()),
        ]));
    }
    // No source at all is still another coercion than an exact one.
    let none = Coercion::new_implicit(TypeSignatureClass::Any, vec![], NativeType::Int8);
    assert_survives(TypeSignature::Coercible(vec![none]));
}

#[test]
fn nested_alternatives_and_names_survive() {
    let mut accepts = TypeSignature::Exact(vec![DataType::Int64, DataType::Utf8]);
    for _ in 0..16 {
        accepts = TypeSignature::OneOf(vec![accepts]);
    }
    let signature = Signature::new(accepts, Volatility::Stable)
        .with_parameter_names(vec!["a", "b"])
        .unwrap();
    assert_eq!(over(&signature), signature);
}

#[test]
fn the_name_of_an_extension_type_survives() {
    let extension: LogicalTypeRef = Arc::new(ExtensionType {
        name: "json".to_owned(),
        native: NativeType::String,
    });
    let class = TypeSignatureClass::Native(extension);
    assert_survives(TypeSignature::Coercible(vec![Coercion::new_exact(class)]));
}

#[test]
fn a_nested_extension_type_is_refused() {
    let list = NativeType::List(Arc::new(LogicalField {
        name: "item".to_owned(),
        logical_type: Arc::new(ExtensionType {
            name: "json".to_owned(),
            native: NativeType::String,
        }),
        nullable: true,
    }));
    let coercion = Coercion::new_exact(TypeSignatureClass::Native(Arc::new(list)));
    let signature = Signature::coercible(vec![coercion], Volatility::Immutable);
    let error = signature_to_message(&signature, &mut TypeList::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Contract);
}

#[test]
fn types_are_listed_once() {
    let mut types = TypeList::default();
    let exact = Signature::exact(vec![DataType::Utf8; 5], Volatility::Immutable);
    signature_to_message(&exact, &mut types).unwrap();
    let string = Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
    let coercible = Signature::coercible(vec![string], Volatility::Immutable);
    signature_to_message(&coercible, &mut types).unwrap();
    assert_eq!(types.into_inner(), [DataType::Utf8]);
}

fn read(accepts: message::TypeSignature) -> Result<Signature, CallError> {
    let message = message::Signature {
        accepts,
        volatility: message::Volatility::Immutable,
        parameter_names: None,
    };
    signature_from_message(&message, &[DataType::Int8])
}

#[test]
fn what_is_read_is_bounded() {
    use message::TypeSignature as Message;

    let nested = |levels| {
        let mut accepts = Message::Nullary;
        for _ in 0..levels {
            accepts = Message::OneOf(vec![accepts]);
        }
        accepts
    };
    assert!(read(nested(16)).is_ok());
    assert!(read(Message::Exact(vec![0; 4095])).is_ok());
    for accepts in [
        nested(17),
        Message::Exact(vec![0; 4096]),
        Message::OneOf(vec![Message::Exact(vec![0; 2048]); 2]),
        Message::Exact(vec![1]),
        Message::Coercible(vec![message::Coercion {
            desired: TypeClass::Native(7),
            preserve_dictionary: false,
            implicit: None,
        }]),
        Message::Coercible(vec![message::Coercion {
            desired: TypeClass::Any,
            preserve_dictionary: false,
            implicit: Some((vec![], 1)),
        }]),
    ] {
        assert_eq!(read(accepts).unwrap_err().kind(), ErrorKind::Contract);
    }
}

#[test]
fn signatures_of_real_functions_survive() {
    let mut seen = 0;
    let mut check = |name: &str, signature: &Signature| {
        assert_eq!(over(signature), *signature, "{name}");
        seen += 1;
    };
    for function in datafusion_functions::all_default_functions()
        .iter()
        .chain(&datafusion_functions_nested::all_default_nested_functions())
        .chain(&datafusion_spark::all_default_scalar_functions())
    {
        check(function.name(), function.signature());
    }
    for function in datafusion_functions_aggregate::all_default_aggregate_functions()
        .iter()
        .chain(&datafusion_spark::all_default_aggregate_functions())
    {
        check(function.name(), function.signature());
    }
    for function in datafusion_functions_window::all_default_window_functions()
        .iter()
        .chain(&datafusion_spark::all_default_window_functions())
    {
        check(function.name(), function.signature());
    }
    assert!(seen > 300, "only {seen} functions");
}

#[test]
fn documentation_of_real_functions_survives() {
    use crate::df55::documentation::{documentation_from_message, documentation_to_message};

    let mut seen = 0;
    let functions = datafusion_functions::all_default_functions();
    for documentation in functions.iter().filter_map(|f| f.documentation()) {
        let message = documentation_to_message(documentation);
        let message = serde_json::from_slice(&serde_json::to_vec(&message).unwrap()).unwrap();
        assert_eq!(documentation_from_message(&message), *documentation);
        seen += 1;
    }
    assert!(seen > 100, "only {seen} documented functions");
}
