//! Hashes that are the same everywhere: BLAKE2b of texts, as Python's `hashlib.blake2b` has it.

use std::ops::Deref;

use blake2b_simd::{
    Hash, Params,
    many::{HashManyJob, hash_many},
};

/// Between the parts of an identifier.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// In the place of a part that is null.
pub(crate) const NULL_PART: &str = "__NULL__";

/// A digest of 8 bytes as a big-endian number, without its top bit.
pub(crate) fn hash64(text: &str) -> i64 {
    number(&params(8).hash(text.as_bytes()))
}

/// A digest of 16 bytes, as lower-case hexadecimal digits.
pub(crate) fn hash128(text: &str) -> impl Deref<Target = str> + use<> {
    params(16).hash(text.as_bytes()).to_hex()
}

/// [`hash64`] of each row that has a text.
pub(crate) fn hashes64<'a>(
    rows: usize,
    text: impl Fn(usize) -> Option<&'a str>,
) -> impl Iterator<Item = Option<i64>> {
    digests(8, rows, text).map(|digest| Some(number(&digest?)))
}

/// [`hash128`] of each row that has a text.
pub(crate) fn hashes128<'a>(
    rows: usize,
    text: impl Fn(usize) -> Option<&'a str>,
) -> impl Iterator<Item = Option<impl Deref<Target = str>>> {
    digests(16, rows, text).map(|digest| Some(digest?.to_hex()))
}

/// Texts are hashed a few at a time, which the processor does side by side.
fn digests<'a>(
    length: usize,
    rows: usize,
    text: impl Fn(usize) -> Option<&'a str>,
) -> impl Iterator<Item = Option<Hash>> {
    const AT_ONCE: usize = 64;
    let params = params(length);
    (0..rows).step_by(AT_ONCE).flat_map(move |start| {
        let rows = start..rows.min(start + AT_ONCE);
        let job = |text: &'a str| HashManyJob::new(&params, text.as_bytes());
        let mut jobs: Vec<_> = rows.map(|row| text(row).map(job)).collect();
        hash_many(jobs.iter_mut().flatten());
        jobs.into_iter().map(|job| Some(job?.to_hash()))
    })
}

fn params(length: usize) -> Params {
    let mut params = Params::new();
    params.hash_length(length);
    params
}

/// Of a digest of 8 bytes.
fn number(digest: &Hash) -> i64 {
    let bytes = digest.as_bytes().iter();
    let number = bytes.fold(0, |number, byte| number << 8 | u64::from(*byte));
    number.cast_signed() & i64::MAX
}
