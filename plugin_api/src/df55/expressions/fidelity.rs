//! What protobuf carries without loss.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, Operator, expr::Like};
use datafusion_proto::protobuf::ArrowType;

/// Whether a literal of this value is the same after a round trip; others travel as Arrow values.
pub(super) fn is_plain(value: &ScalarValue) -> bool {
    matches!(
        value.data_type(),
        DataType::Null
            | DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64
            | DataType::Float32
            | DataType::Float64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Date32
            | DataType::Date64
    )
}

/// Whether the node itself, whatever its children, is the same after a round trip.
pub(in crate::df55) fn is_faithful(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(cast) => type_survives(cast.field.data_type()) && cast.field.name().is_empty(),
        Expr::TryCast(cast) => {
            type_survives(cast.field.data_type()) && cast.field.name().is_empty()
        }
        Expr::Like(Like { escape_char, .. }) => escape_char.is_none_or(|c| c.is_ascii()),
        Expr::SimilarTo(like) => {
            !like.case_insensitive && like.escape_char.is_none_or(|c| c.is_ascii())
        }
        Expr::BinaryExpr(binary) => {
            Operator::from_proto_name(&format!("{:?}", binary.op)) == Some(binary.op)
        }
        Expr::Column(_)
        | Expr::Literal(..)
        | Expr::Alias(_)
        | Expr::Not(_)
        | Expr::Negative(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::InList(_)
        | Expr::Case(_)
        | Expr::ScalarFunction(_) => true,
        _ => false,
    }
}

fn type_survives(data_type: &DataType) -> bool {
    ArrowType::try_from(data_type)
        .ok()
        .and_then(|wire| DataType::try_from(&wire).ok())
        .is_some_and(|back| back == *data_type)
}
