//! Writing a manifest in a constant.

use super::{HEADER_LEN, HEADER_VERSION, MAGIC};

/// The length of the manifest with these records.
pub const fn encoded_len(records: &[(&str, &str)]) -> usize {
    let mut len = HEADER_LEN;
    let mut i = 0;
    while i < records.len() {
        len += 6 + records[i].0.len() + records[i].1.len();
        i += 1;
    }
    len
}

/// The manifest with these records; `N` is their [`encoded_len`].
///
/// # Panics
/// When `N` is another number; in a constant, that is a compile error.
pub const fn encode<const N: usize>(records: &[(&str, &str)]) -> [u8; N] {
    let mut out = [0; N];
    let mut at = put(&mut out, 0, &MAGIC);
    at = put(&mut out, at, &HEADER_VERSION.to_le_bytes());
    at = put(&mut out, at, &[0, 0]);
    at = put(&mut out, at, &((N - HEADER_LEN) as u32).to_le_bytes());
    let mut i = 0;
    while i < records.len() {
        let (key, value) = records[i];
        at = put(&mut out, at, &(key.len() as u16).to_le_bytes());
        at = put(&mut out, at, &(value.len() as u32).to_le_bytes());
        at = put(&mut out, at, key.as_bytes());
        at = put(&mut out, at, value.as_bytes());
        i += 1;
    }
    assert!(at == N, "the length of a manifest is that of its records");
    out
}

const fn put<const N: usize>(out: &mut [u8; N], at: usize, bytes: &[u8]) -> usize {
    let mut i = 0;
    while i < bytes.len() {
        out[at + i] = bytes[i];
        i += 1;
    }
    at + bytes.len()
}
