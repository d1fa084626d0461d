//! Hashes that are the same everywhere: BLAKE2b of bytes, as Python's `hashlib.blake2b` has it.

use std::fmt::{self, Write};

use blake2::{
    Blake2b, Digest,
    digest::consts::{U8, U16},
};

/// Between the parts of an identifier.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// In the place of a part that is null.
pub(crate) const NULL_PART: &str = "__NULL__";

/// A digest of 8 bytes as a big-endian number, without its top bit.
pub(crate) fn hash64(bytes: &[u8]) -> i64 {
    let digest: [u8; 8] = Blake2b::<U8>::digest(bytes).into();
    i64::from_be_bytes(digest) & i64::MAX
}

/// A digest of 16 bytes, as lower-case hexadecimal digits behind `out`.
pub(crate) fn write_hash128(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest: [u8; 16] = Blake2b::<U16>::digest(bytes).into();
    let mut text = [0; 32];
    for (digits, byte) in text.chunks_exact_mut(2).zip(digest) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    out.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
}
