//! [`DataFusionError`] across the boundary: the same kind and message come back.
//!
//! An error that a plugin raised carries its origin at the end of its message; one whose message is
//! not its own to choose carries it in place of a backtrace. What does not survive: sources of
//! external errors (their text does), diagnostics, backtraces, contexts around a collection inside a
//! collection, and `ExecutionJoin`, which cannot be made from outside tokio and comes back as
//! `Execution`.

mod arrow;
#[cfg(feature = "object_store")]
mod object_store;
#[cfg(feature = "parquet")]
mod parquet;
mod schema;

use std::io;

use datafusion_common::DataFusionError;

use crate::abi::{CallError, ErrorKind, ErrorLink, Origin};

/// Kinds of [`io::Error`] that keep their number; others come back as `Other`.
const IO_KINDS: [io::ErrorKind; 34] = [
    io::ErrorKind::Other,
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::AlreadyExists,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::InvalidData,
    io::ErrorKind::TimedOut,
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::Unsupported,
    io::ErrorKind::OutOfMemory,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::NotConnected,
    io::ErrorKind::AddrInUse,
    io::ErrorKind::AddrNotAvailable,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::WouldBlock,
    io::ErrorKind::WriteZero,
    io::ErrorKind::Interrupted,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::NetworkDown,
    io::ErrorKind::NotADirectory,
    io::ErrorKind::IsADirectory,
    io::ErrorKind::DirectoryNotEmpty,
    io::ErrorKind::ReadOnlyFilesystem,
    io::ErrorKind::StaleNetworkFileHandle,
    io::ErrorKind::StorageFull,
    io::ErrorKind::NotSeekable,
    io::ErrorKind::QuotaExceeded,
    io::ErrorKind::FileTooLarge,
    io::ErrorKind::ResourceBusy,
    io::ErrorKind::Deadlock,
];

/// In a link's detail: it begins a member of a collection, whose contexts follow it.
const MEMBER: u32 = 1 << 31;

/// In a link's detail: it holds what belongs to the error rather than a context.
const PAYLOAD: u32 = 1;

/// A result of DataFusion's on its way out.
pub(crate) fn df<T>(result: Result<T, DataFusionError>) -> Result<T, CallError> {
    result.map_err(|error| to_call_error(&error))
}

/// An error on its way out.
pub fn to_call_error(error: &DataFusionError) -> CallError {
    let plain = |kind: ErrorKind, text: &str| CallError::new(kind, text);
    match error {
        DataFusionError::ArrowError(error, _) => arrow::to_call_error(error),
        #[cfg(feature = "parquet")]
        DataFusionError::ParquetError(error) => parquet::to_call_error(error),
        #[cfg(feature = "object_store")]
        DataFusionError::ObjectStore(error) => object_store::to_call_error(error),
        #[cfg(feature = "sql")]
        DataFusionError::SQL(error, _) => plain(ErrorKind::Sql, &parser_message(error)),
        DataFusionError::IoError(error) => io_to_call_error(error),
        DataFusionError::NotImplemented(text) => plain(ErrorKind::NotImplemented, text),
        DataFusionError::Internal(text) => plain(ErrorKind::Internal, text),
        DataFusionError::Plan(text) => plain(ErrorKind::Plan, text),
        DataFusionError::Configuration(text) => plain(ErrorKind::Configuration, text),
        DataFusionError::SchemaError(error, _) => schema::to_call_error(error),
        DataFusionError::Execution(text) => plain(ErrorKind::Execution, text),
        DataFusionError::ExecutionJoin(error) => {
            plain(ErrorKind::ExecutionJoin, &error.to_string())
        }
        DataFusionError::ResourcesExhausted(text) => plain(ErrorKind::ResourcesExhausted, text),
        DataFusionError::Substrait(text) => plain(ErrorKind::Substrait, text),
        DataFusionError::Ffi(text) => plain(ErrorKind::Ffi, text),
        DataFusionError::External(error) => {
            if let Some(error) = error.downcast_ref::<DataFusionError>() {
                to_call_error(error)
            } else if let Some(error) = error.downcast_ref::<CallError>() {
                error.clone()
            } else {
                plain(ErrorKind::External, &error.to_string())
            }
        }
        DataFusionError::Context(context, inner) => {
            let inner = to_call_error(inner);
            let mut links = vec![ErrorLink::new(inner.kind(), 0, context)];
            links.extend_from_slice(inner.links());
            inner.with_links(links)
        }
        DataFusionError::Diagnostic(_, inner) => to_call_error(inner),
        DataFusionError::Shared(inner) => to_call_error(inner),
        DataFusionError::Collection(errors) => {
            if errors.is_empty() {
                // DataFusion itself cannot tell its text.
                return plain(ErrorKind::Internal, "a collection of no errors");
            }
            let links = errors.iter().map(to_call_error).flat_map(member).collect();
            plain(ErrorKind::Collection, &error.to_string()).with_links(links)
        }
        // Kinds behind features of datafusion-common that this build does not name.
        #[allow(
            unreachable_patterns,
            reason = "all kinds are named when all features are on"
        )]
        other => plain(ErrorKind::External, &other.to_string()),
    }
}

/// The links of a collection's member; members of a member are members.
fn member(error: CallError) -> Vec<ErrorLink> {
    if error.kind() == ErrorKind::Collection {
        let links = error.links().iter();
        return links
            .skip_while(|link| !begins_member(link))
            .cloned()
            .collect();
    }
    let head = ErrorLink::new(error.kind(), error.detail() | MEMBER, error.message());
    std::iter::once(head)
        .chain(error.links().iter().cloned())
        .collect()
}

fn begins_member(link: &ErrorLink) -> bool {
    link.detail() & MEMBER != 0
}

/// An error as it came in.
pub fn from_call_error(error: CallError) -> DataFusionError {
    let suffix = attribution(&error);
    if error.kind() == ErrorKind::Collection {
        let links = error.links();
        let first = links.iter().position(begins_member);
        let (contexts, members) = links.split_at(first.unwrap_or(links.len()));
        let members = members.chunk_by(|_, next| !begins_member(next));
        let members: Vec<_> = members
            .filter_map(<[ErrorLink]>::split_first)
            .map(|(head, links)| {
                let innermost = rebuild(
                    head.kind(),
                    head.detail() & !MEMBER,
                    head.message(),
                    &suffix,
                    links,
                );
                in_contexts(innermost, links)
            })
            .collect();
        if !members.is_empty() {
            return in_contexts(DataFusionError::Collection(members), contexts);
        }
    }
    let innermost = if error.kind() == ErrorKind::Panic {
        let Origin {
            method, location, ..
        } = error.origin();
        let message = format!("panic in {method} at {location}: {}", error.message());
        rebuild(error.kind(), 0, &message, &suffix, &[])
    } else {
        rebuild(
            error.kind(),
            error.detail(),
            error.message(),
            &suffix,
            error.links(),
        )
    };
    in_contexts(innermost, error.links())
}

/// Puts the contexts among `links`, outermost first, around an error.
fn in_contexts(error: DataFusionError, links: &[ErrorLink]) -> DataFusionError {
    let contexts = links.iter().rev().filter(|link| link.detail() != PAYLOAD);
    contexts.fold(error, |inner, link| {
        DataFusionError::Context(link.message().to_owned(), Box::new(inner))
    })
}

fn attribution(error: &CallError) -> String {
    let Origin { plugin, item, .. } = error.origin();
    match (plugin.is_empty(), item.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!(" (plugin '{plugin}')"),
        (false, false) => format!(" (plugin '{plugin}', '{item}')"),
    }
}

fn rebuild(
    kind: ErrorKind,
    detail: u32,
    message: &str,
    suffix: &str,
    links: &[ErrorLink],
) -> DataFusionError {
    let text = || format!("{message}{suffix}");
    match kind {
        ErrorKind::Arrow => match arrow::rebuild_plain(detail, message) {
            Some(error) => DataFusionError::ArrowError(Box::new(error), Some(suffix.to_owned())),
            None => DataFusionError::ArrowError(Box::new(arrow::rebuild(detail, text())), None),
        },
        #[cfg(feature = "parquet")]
        ErrorKind::Parquet => {
            DataFusionError::ParquetError(Box::new(parquet::rebuild(detail, text())))
        }
        #[cfg(feature = "object_store")]
        ErrorKind::ObjectStore => {
            let error = object_store::rebuild(detail, text(), links);
            DataFusionError::ObjectStore(Box::new(error))
        }
        #[cfg(feature = "sql")]
        ErrorKind::Sql => DataFusionError::SQL(
            Box::new(sqlparser::parser::ParserError::ParserError(text())),
            None,
        ),
        ErrorKind::Io => {
            let kind = IO_KINDS
                .get(detail as usize)
                .copied()
                .unwrap_or(io::ErrorKind::Other);
            DataFusionError::IoError(io::Error::new(kind, text()))
        }
        ErrorKind::NotImplemented => DataFusionError::NotImplemented(text()),
        ErrorKind::Internal => DataFusionError::Internal(text()),
        ErrorKind::Plan => DataFusionError::Plan(text()),
        ErrorKind::Configuration => DataFusionError::Configuration(text()),
        ErrorKind::Schema => schema::rebuild(message, suffix, links),
        ErrorKind::Execution | ErrorKind::ExecutionJoin | ErrorKind::Panic => {
            DataFusionError::Execution(text())
        }
        ErrorKind::ResourcesExhausted => DataFusionError::ResourcesExhausted(text()),
        ErrorKind::Substrait => DataFusionError::Substrait(text()),
        ErrorKind::Ffi | ErrorKind::Contract => DataFusionError::Ffi(text()),
        _ => DataFusionError::External(text().into()),
    }
}

fn io_to_call_error(error: &io::Error) -> CallError {
    let detail = IO_KINDS
        .iter()
        .position(|kind| *kind == error.kind())
        .unwrap_or(0);
    CallError::with_detail(ErrorKind::Io, detail as u32, error.to_string())
}

#[cfg(feature = "sql")]
fn parser_message(error: &sqlparser::parser::ParserError) -> String {
    use sqlparser::parser::ParserError;
    match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.clone(),
        other @ ParserError::RecursionLimitExceeded => other.to_string(),
    }
}
