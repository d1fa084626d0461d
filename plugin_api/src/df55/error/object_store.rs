//! Errors of object stores: the variant crosses as the error's detail, the text of its source as the
//! message, and the path (or the store, or the operation) as a payload.

use ::object_store::Error;

use super::PAYLOAD;
use crate::abi::{CallError, ErrorKind, ErrorLink};

/// Stores that keep their name, which is a constant of the program.
const STORES: [&str; 6] = [
    "S3",
    "GCS",
    "MicrosoftAzure",
    "HTTP",
    "LocalFileSystem",
    "InMemory",
];

pub(super) fn to_call_error(error: &Error) -> CallError {
    let (detail, payload, message) = match error {
        Error::Generic { store, source } => (1, *store, source.to_string()),
        Error::NotFound { path, source } => (2, path.as_str(), source.to_string()),
        Error::AlreadyExists { path, source } => (3, path.as_str(), source.to_string()),
        Error::Precondition { path, source } => (4, path.as_str(), source.to_string()),
        Error::NotModified { path, source } => (5, path.as_str(), source.to_string()),
        Error::PermissionDenied { path, source } => (6, path.as_str(), source.to_string()),
        Error::Unauthenticated { path, source } => (7, path.as_str(), source.to_string()),
        Error::NotSupported { source } => (8, "", source.to_string()),
        Error::NotImplemented {
            operation,
            implementer,
        } => (9, operation.as_str(), implementer.clone()),
        other => (0, "", other.to_string()),
    };
    CallError::with_detail(ErrorKind::ObjectStore, detail, message).with_links(vec![
        ErrorLink::new(ErrorKind::ObjectStore, PAYLOAD, payload),
    ])
}

/// Other variants come back as an error of the store `plugin`.
pub(super) fn rebuild(detail: u32, text: String, links: &[ErrorLink]) -> Error {
    let payload = links.iter().find(|link| link.detail() == PAYLOAD);
    let payload = payload.map_or("", ErrorLink::message);
    let path = payload.to_owned();
    let source = text.clone().into();
    match detail {
        1 => match STORES.into_iter().find(|known| *known == payload) {
            Some(store) => Error::Generic { store, source },
            None => Error::Generic {
                store: "plugin",
                source: format!("{payload}: {text}").into(),
            },
        },
        2 => Error::NotFound { path, source },
        3 => Error::AlreadyExists { path, source },
        4 => Error::Precondition { path, source },
        5 => Error::NotModified { path, source },
        6 => Error::PermissionDenied { path, source },
        7 => Error::Unauthenticated { path, source },
        8 => Error::NotSupported { source },
        9 => Error::NotImplemented {
            operation: path,
            implementer: text,
        },
        _ => Error::Generic {
            store: "plugin",
            source,
        },
    }
}
