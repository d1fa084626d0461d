//! The trailing record that holds a packed description.
//!
//! Bytes after the library's own: [`START`], the payload (JSON), then a footer of fixed length:
//! the payload's length as `u64`, its CRC-32 as `u32`, the layout's version as `u32`, and
//! [`END`] as the file's last bytes. Numbers are little-endian.

use datafusion_plugin_api::abi::manifest::Manifest;
use object::read::ReadCacheOps;
use serde::{Deserialize, Serialize};

use super::{super::DescriptionError, Description};
use crate::artifact::image::Bytes;

/// The first bytes of a record, by which one that is cut short is known.
const START: [u8; 16] = *b"\x7fDFPLUGIN-RECORD";
/// The last bytes of a record.
const END: [u8; 16] = *b"\x7fDFPLUGIN-PACKED";
const VERSION: u32 = 1;
const FOOTER_LEN: u64 = 8 + 4 + 4 + 16;
/// The longest payload that is read: 16 MiB.
const MAX_PAYLOAD: u64 = 16 << 20;
/// The most functions that are read.
const MAX_FUNCTIONS: usize = 100_000;

/// The payload.
#[derive(Serialize, Deserialize)]
struct Payload {
    manifest_name: String,
    manifest_version: String,
    exports: Description,
}

/// Reads the record at the end of a file whose library ends at `library_end`; `None` when there
/// is none.
///
/// # Errors
/// A record that is damaged, too large, of another layout or of another plugin.
pub(in super::super) fn read<S: ReadCacheOps>(
    bytes: Bytes<'_, S>,
    library_end: u64,
    manifest: &Manifest,
) -> Result<Option<Description>, DescriptionError> {
    let Some(payload) = locate(bytes)? else {
        return if begins_at(bytes, library_end) {
            Err(DescriptionError::Truncated)
        } else {
            Ok(None)
        };
    };
    let payload: Payload = serde_json::from_slice(payload)
        .map_err(|error| DescriptionError::Form(error.to_string()))?;
    if payload.exports.count() > MAX_FUNCTIONS {
        return Err(DescriptionError::TooMany {
            found: payload.exports.count(),
            limit: MAX_FUNCTIONS,
        });
    }
    if payload.manifest_name != manifest.name || payload.manifest_version != manifest.version {
        return Err(DescriptionError::OtherPlugin {
            expected: format!("{} {}", manifest.name, manifest.version),
            found: format!("{} {}", payload.manifest_name, payload.manifest_version),
        });
    }
    Ok(Some(payload.exports))
}

/// The length of the record at the end of a file, be it damaged; 0 when there is none.
pub(in super::super) fn len<S: ReadCacheOps>(bytes: Bytes<'_, S>, library_end: u64) -> u64 {
    match locate(bytes) {
        Ok(Some(payload)) => START.len() as u64 + payload.len() as u64 + FOOTER_LEN,
        _ if begins_at(bytes, library_end) => bytes.len - library_end,
        _ => 0,
    }
}

/// Whether a record begins at an offset, which may be all of it that is left.
fn begins_at<S: ReadCacheOps>(bytes: Bytes<'_, S>, offset: u64) -> bool {
    let rest = bytes.len.saturating_sub(offset).min(START.len() as u64);
    let found = bytes.range(offset, rest).unwrap_or_default();
    !found.is_empty() && START.starts_with(found)
}

/// The payload, its checksum verified.
fn locate<S: ReadCacheOps>(bytes: Bytes<'_, S>) -> Result<Option<&[u8]>, DescriptionError> {
    let Some(footer_at) = bytes.len.checked_sub(FOOTER_LEN) else {
        return Ok(None);
    };
    let footer = bytes.range(footer_at, FOOTER_LEN);
    let Some(footer) = footer.and_then(|footer| footer.first_chunk::<32>()) else {
        return Ok(None);
    };
    let [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        k0,
        k1,
        k2,
        k3,
        v0,
        v1,
        v2,
        v3,
        end @ ..,
    ] = *footer;
    if end != END {
        return Ok(None);
    }
    let found = u32::from_le_bytes([v0, v1, v2, v3]);
    if found != VERSION {
        return Err(DescriptionError::Version {
            found,
            expected: VERSION,
        });
    }
    let len = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let limit = footer_at
        .saturating_sub(START.len() as u64)
        .min(MAX_PAYLOAD);
    let wrong_length = DescriptionError::Length { found: len, limit };
    if len > limit {
        return Err(wrong_length);
    }
    let payload_at = footer_at - len;
    let start = bytes.range(payload_at - START.len() as u64, START.len() as u64);
    if start != Some(&START[..]) {
        return Err(wrong_length);
    }
    let payload = bytes.range(payload_at, len).ok_or(wrong_length)?;
    let expected = u32::from_le_bytes([k0, k1, k2, k3]);
    let found = crc32fast::hash(payload);
    if found != expected {
        return Err(DescriptionError::Checksum { expected, found });
    }
    Ok(Some(payload))
}

/// The record of a description: the same bytes for the same description.
///
/// # Errors
/// A description that would be too large to be read again.
pub(in super::super) fn write(
    description: &Description,
    manifest: &Manifest,
) -> Result<Vec<u8>, DescriptionError> {
    if description.count() > MAX_FUNCTIONS {
        return Err(DescriptionError::TooMany {
            found: description.count(),
            limit: MAX_FUNCTIONS,
        });
    }
    let payload = serde_json::to_vec(&Payload {
        manifest_name: manifest.name.clone(),
        manifest_version: manifest.version.clone(),
        exports: description.clone(),
    })
    .map_err(|error| DescriptionError::Form(error.to_string()))?;
    let len = payload.len() as u64;
    if len > MAX_PAYLOAD {
        return Err(DescriptionError::Length {
            found: len,
            limit: MAX_PAYLOAD,
        });
    }
    let mut record = START.to_vec();
    record.extend_from_slice(&payload);
    record.extend_from_slice(&len.to_le_bytes());
    record.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    record.extend_from_slice(&VERSION.to_le_bytes());
    record.extend_from_slice(&END);
    Ok(record)
}
