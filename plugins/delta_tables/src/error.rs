//! Errors of `deltalake` as DataFusion's, with what was being done and where.

use datafusion::error::DataFusionError;
use deltalake::{DeltaTableError, kernel::transaction::TransactionError};

use crate::location::Location;

/// `error` of `what` at `location`. Keeps the kind where DataFusion has one; tells a conflict with
/// another writer from other failures.
pub(crate) fn failed(what: &str, location: &Location, error: DeltaTableError) -> DataFusionError {
    let place = format!("{what} '{location}'");
    match error {
        DeltaTableError::NotATable(reason) => {
            DataFusionError::Plan(format!("{place}: not a Delta table: {reason}"))
        }
        DeltaTableError::InvalidVersion(version) => {
            DataFusionError::Plan(format!("{place}: there is no version {version}"))
        }
        DeltaTableError::VersionAlreadyExists(version) => DataFusionError::Execution(format!(
            "{place}: conflict: another writer committed version {version}; nothing was changed, \
             run the statement again"
        )),
        DeltaTableError::Transaction {
            source: TransactionError::CommitConflict(conflict),
        } => DataFusionError::Execution(format!(
            "{place}: conflict with another writer: {conflict}; nothing was changed, run the \
             statement again"
        )),
        DeltaTableError::Transaction {
            source: TransactionError::MaxCommitAttempts(attempts),
        } => DataFusionError::Execution(format!(
            "{place}: conflict: other writers were faster {attempts} times; nothing was changed, \
             run the statement again"
        )),
        DeltaTableError::Transaction {
            source: TransactionError::DeltaTableAppendOnly,
        } => DataFusionError::Execution(format!(
            "{place}: the table is append-only (delta.appendOnly); nothing was changed"
        )),
        DeltaTableError::GenericError { source } => match source.downcast::<DataFusionError>() {
            Ok(error) => error.context(place),
            Err(source) => DataFusionError::External(source).context(place),
        },
        error @ (DeltaTableError::KernelError(_) | DeltaTableError::Kernel { .. }) => {
            DataFusionError::Execution(format!(
                "{place}: {}",
                without_backtrace(&error.to_string())
            ))
        }
        other => DataFusionError::from(other).context(place),
    }
}

/// The kernel prints its backtrace as part of the message where `RUST_BACKTRACE` is set.
fn without_backtrace(message: &str) -> &str {
    match message.find("\n   0: ") {
        Some(end) => message[..end].trim_end(),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_end_before_their_backtrace() {
        let message = "Json error: Truncated\n   0: a::b\n   1: c::d";
        assert_eq!(without_backtrace(message), "Json error: Truncated");
        assert_eq!(without_backtrace("short"), "short");
    }
}
