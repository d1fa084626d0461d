//! [`ArrowError`]: the variant crosses as the error's detail.

use arrow::error::ArrowError;

use crate::abi::{CallError, ErrorKind};

const DIVIDE_BY_ZERO: u32 = 7;
const DICTIONARY_KEY_OVERFLOW: u32 = 16;
const RUN_END_INDEX_OVERFLOW: u32 = 17;
const OFFSET_OVERFLOW: u32 = 18;

pub(super) fn to_call_error(error: &ArrowError) -> CallError {
    if let ArrowError::ExternalError(inner) = error
        && let Some(inner) = inner.downcast_ref::<datafusion_common::DataFusionError>()
    {
        return super::to_call_error(inner);
    }
    let (detail, message) = match error {
        ArrowError::NotYetImplemented(text) => (1, text.clone()),
        ArrowError::CastError(text) => (2, text.clone()),
        ArrowError::MemoryError(text) => (3, text.clone()),
        ArrowError::ParseError(text) => (4, text.clone()),
        ArrowError::SchemaError(text) => (5, text.clone()),
        ArrowError::ComputeError(text) => (6, text.clone()),
        ArrowError::DivideByZero => (DIVIDE_BY_ZERO, String::new()),
        ArrowError::ArithmeticOverflow(text) => (8, text.clone()),
        ArrowError::CsvError(text) => (9, text.clone()),
        ArrowError::JsonError(text) => (10, text.clone()),
        ArrowError::AvroError(text) => (11, text.clone()),
        ArrowError::IpcError(text) => (12, text.clone()),
        ArrowError::InvalidArgumentError(text) => (13, text.clone()),
        ArrowError::ParquetError(text) => (14, text.clone()),
        ArrowError::CDataInterface(text) => (15, text.clone()),
        ArrowError::DictionaryKeyOverflowError => (DICTIONARY_KEY_OVERFLOW, String::new()),
        ArrowError::RunEndIndexOverflowError => (RUN_END_INDEX_OVERFLOW, String::new()),
        ArrowError::OffsetOverflowError(offset) => (OFFSET_OVERFLOW, offset.to_string()),
        ArrowError::IoError(text, _) => (19, text.clone()),
        ArrowError::ExternalError(inner) => (0, inner.to_string()),
    };
    CallError::with_detail(ErrorKind::Arrow, detail, message)
}

/// A variant whose text is not free to choose, so that it cannot end with an origin.
pub(super) fn rebuild_plain(detail: u32, message: &str) -> Option<ArrowError> {
    match detail {
        DIVIDE_BY_ZERO => Some(ArrowError::DivideByZero),
        DICTIONARY_KEY_OVERFLOW => Some(ArrowError::DictionaryKeyOverflowError),
        RUN_END_INDEX_OVERFLOW => Some(ArrowError::RunEndIndexOverflowError),
        OFFSET_OVERFLOW => message.parse().ok().map(ArrowError::OffsetOverflowError),
        _ => None,
    }
}

/// The other variants.
pub(super) fn rebuild(detail: u32, text: String) -> ArrowError {
    match detail {
        1 => ArrowError::NotYetImplemented(text),
        2 => ArrowError::CastError(text),
        3 => ArrowError::MemoryError(text),
        4 => ArrowError::ParseError(text),
        5 => ArrowError::SchemaError(text),
        6 => ArrowError::ComputeError(text),
        8 => ArrowError::ArithmeticOverflow(text),
        9 => ArrowError::CsvError(text),
        10 => ArrowError::JsonError(text),
        11 => ArrowError::AvroError(text),
        12 => ArrowError::IpcError(text),
        13 => ArrowError::InvalidArgumentError(text),
        14 => ArrowError::ParquetError(text),
        15 => ArrowError::CDataInterface(text),
        19 => ArrowError::IoError(text.clone(), std::io::Error::other(text)),
        _ => ArrowError::ExternalError(text.into()),
    }
}
