//! What the tables of an object file say: format, machine, kind, and where the manifest lies.

mod elf;
mod macho;
mod pe;

use object::read::{ReadCache, ReadCacheOps, ReadRef};

use super::{ArtifactProblem, Format};

/// More entries than this in any table are not read.
const MAX_ENTRIES: u64 = 8192;

/// One image: a whole ELF or PE file, or one architecture of a Mach-O file.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) format: Format,
    /// As Rust names it, `unknown` where it has no name here.
    pub(super) architecture: &'static str,
    pub(super) bits: u8,
    /// What it is, when it is no shared library.
    pub(super) other_kind: Option<&'static str>,
    /// File offset and length of the manifest's section.
    pub(super) manifest: Option<(u64, u64)>,
    /// Where its last part ends in the file.
    pub(super) end: u64,
}

/// A file that is read where it is asked for, and nowhere else.
///
/// Every read yields memory of its own, so tables are aligned wherever the file puts them.
pub(super) struct Bytes<'a, S: ReadCacheOps> {
    cache: &'a ReadCache<S>,
    pub(super) len: u64,
}

impl<S: ReadCacheOps> Clone for Bytes<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ReadCacheOps> Copy for Bytes<'_, S> {}

impl<'a, S: ReadCacheOps> Bytes<'a, S> {
    pub(super) fn new(cache: &'a ReadCache<S>) -> Self {
        let len = cache.len().unwrap_or(0);
        Self { cache, len }
    }

    /// The bytes of a range; `None` when the file does not have them.
    pub(super) fn range(self, offset: u64, len: u64) -> Option<&'a [u8]> {
        self.cache.read_bytes_at(offset, len).ok()
    }

    fn truncated(self, format: Format, what: &'static str) -> ArtifactProblem {
        ArtifactProblem::Truncated {
            format,
            what,
            len: self.len,
        }
    }
}

/// The images of a file, the one for the running machine first.
///
/// # Errors
/// A problem for every byte string that is no complete object file.
pub(super) fn read<S: ReadCacheOps>(bytes: Bytes<'_, S>) -> Result<Vec<Image>, ArtifactProblem> {
    let head = bytes.range(0, bytes.len.min(512)).unwrap_or_default();
    if head.is_empty() {
        return Err(ArtifactProblem::Empty);
    }
    if head.starts_with(b"!<arch>\n") {
        return Err(ArtifactProblem::NotSharedLibrary {
            found: "a static archive",
        });
    }
    if is_text(head) {
        return Err(ArtifactProblem::Text);
    }
    let mut images = match head.first_chunk::<4>() {
        Some(b"\x7fELF") => vec![elf::read(bytes)?],
        Some([0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe]) => {
            vec![macho::read(bytes, 0, bytes.len)?]
        }
        Some([0xca, 0xfe, 0xba, 0xbe | 0xbf]) => macho::read_fat(bytes)?,
        Some([b'M', b'Z', ..]) => vec![pe::read(bytes)?],
        _ => return Err(ArtifactProblem::Unknown),
    };
    if images.iter().any(|image| image.end > bytes.len) {
        return Err(bytes.truncated(images[0].format, "last section"));
    }
    images.sort_by_key(|image| image.architecture != std::env::consts::ARCH);
    Ok(images)
}

/// Whether the start of a file is UTF-8 without control characters.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut in two.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b'))
}
