//! Entries of a table's log, as they were written.

use chrono::{DateTime, Utc};
use datafusion::{
    common::{exec_datafusion_err, exec_err},
    error::Result,
};
use deltalake::logstore::LogStore;
use serde_json::{Map, Value};

use crate::{error::failed, location::Location};

/// What a commit says about itself; empty for a commit that says nothing.
pub(crate) type CommitInfo = Map<String, Value>;

/// The `commitInfo` of a version; none when the log no longer has that version.
///
/// # Errors
/// When the entry cannot be read or is not what the protocol says.
pub(crate) async fn commit_info(
    log: &dyn LogStore,
    location: &Location,
    version: u64,
) -> Result<Option<CommitInfo>> {
    let entry = log
        .read_commit_entry(version)
        .await
        .map_err(|error| failed("reading the log of", location, error))?;
    let Some(entry) = entry else { return Ok(None) };
    for (number, line) in entry.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let action: Value = serde_json::from_slice(line).map_err(|error| {
            exec_datafusion_err!(
                "the log of '{location}' is corrupt: version {version}, line {}: {error}",
                number + 1
            )
        })?;
        if let Value::Object(mut action) = action
            && let Some(Value::Object(info)) = action.remove("commitInfo")
        {
            return Ok(Some(info));
        }
    }
    Ok(Some(CommitInfo::new()))
}

/// The newest version up to `latest` whose own timestamp is not after `time`.
///
/// # Errors
/// When there is none, or the log cannot be read.
pub(crate) async fn version_by_commit_timestamp(
    log: &dyn LogStore,
    location: &Location,
    latest: u64,
    time: DateTime<Utc>,
) -> Result<u64> {
    for version in (0..=latest).rev() {
        let Some(info) = commit_info(log, location, version).await? else {
            break;
        };
        // Commits from before the property was set say no such time.
        let committed = info.get("inCommitTimestamp").and_then(Value::as_i64);
        if committed.is_some_and(|millis| millis <= time.timestamp_millis()) {
            return Ok(version);
        }
    }
    exec_err!("the log of '{location}' has no version with a commit timestamp up to {time}")
}
