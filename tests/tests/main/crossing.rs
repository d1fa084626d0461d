//! What a function gets and gives is the same linked in and loaded, for values of every type.

mod aggregates;
mod scalars;
mod sql;
mod tables;

use datafusion::{common::Result, logical_expr::ColumnarValue};
use proptest::test_runner::TestCaseError;

/// Asserts that both give the same value in the same form, or both fail with the same message up to
/// the plugin's name at its end.
fn same(
    linked_in: Result<ColumnarValue>,
    loaded: Result<ColumnarValue>,
) -> Result<(), TestCaseError> {
    match (linked_in, loaded) {
        (Ok(ColumnarValue::Array(a)), Ok(ColumnarValue::Array(b))) => {
            if a.as_ref() != b.as_ref() {
                return Err(TestCaseError::fail(format!("{a:?} became {b:?}")));
            }
        }
        (Ok(ColumnarValue::Scalar(a)), Ok(ColumnarValue::Scalar(b))) => {
            if a != b || a.data_type() != b.data_type() {
                return Err(TestCaseError::fail(format!("{a:?} became {b:?}")));
            }
        }
        (Err(a), Err(b)) if b.message().starts_with(a.message().as_ref()) => {}
        (a, b) => return Err(TestCaseError::fail(format!("{a:?} became {b:?}"))),
    }
    Ok(())
}
