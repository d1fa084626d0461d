//! [`ParquetError`]: the variant crosses as the error's detail.

use ::parquet::errors::ParquetError;

use crate::abi::{CallError, ErrorKind};

pub(super) fn to_call_error(error: &ParquetError) -> CallError {
    let (detail, message) = match error {
        ParquetError::General(text) => (0, text.clone()),
        ParquetError::NYI(text) => (1, text.clone()),
        ParquetError::EOF(text) => (2, text.clone()),
        ParquetError::External(inner) => (3, inner.to_string()),
        // Numbers, and what stands behind a feature.
        other => (0, other.to_string()),
    };
    CallError::with_detail(ErrorKind::Parquet, detail, message)
}

/// Other variants come back as a general error with their text.
pub(super) fn rebuild(detail: u32, text: String) -> ParquetError {
    match detail {
        1 => ParquetError::NYI(text),
        2 => ParquetError::EOF(text),
        3 => ParquetError::External(text.into()),
        _ => ParquetError::General(text),
    }
}
