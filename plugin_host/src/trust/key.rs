//! Keys and signatures of [minisign](https://jedisct1.github.io/minisign/).

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use super::TrustProblem;
use crate::artifact::open_regular;

/// The number that signatures name their key by. It is chosen at random and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// Algorithm and number stand before everything else, in keys and signatures.
    fn of(line: &str) -> Option<Self> {
        let bytes = STANDARD.decode(line.trim()).ok()?;
        bytes.get(2..)?.first_chunk().copied().map(Self)
    }
}

/// As minisign writes it in comments.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "expected a minisign public key, the last line of its file: 56 characters that begin with \
     'RW', found '{found}'"
)]
pub struct KeyProblem {
    /// The text, shortened.
    pub found: String,
}

/// A key whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    key: minisign_verify::PublicKey,
}

impl PublicKey {
    /// Reads the text of a key, or of a key file with its comment.
    ///
    /// # Errors
    /// A text that is no key.
    pub fn parse(text: &str) -> Result<Self, KeyProblem> {
        let line = text.trim().lines().last().unwrap_or_default().trim();
        let key = minisign_verify::PublicKey::from_base64(line).ok();
        key.zip(KeyId::of(line))
            .map(|(key, id)| Self { id, key })
            .ok_or_else(|| KeyProblem {
                found: line.chars().take(60).collect(),
            })
    }

    /// Its number.
    pub fn id(&self) -> KeyId {
        self.id
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A signature, not yet verified.
#[derive(Clone)]
pub struct Signature {
    id: KeyId,
    text: String,
    signature: minisign_verify::Signature,
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signature").field(&self.id).finish()
    }
}

/// The longest signature that is read.
pub(super) const MAX_SIGNATURE: u64 = 16 * 1024;

/// What is appended to a file's name for that of its signature.
pub(crate) const SIGNATURE_EXTENSION: &str = "minisig";

/// Where the signature of a file lies: beside it, `.minisig` behind its whole name.
pub fn signature_path(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(SIGNATURE_EXTENSION);
    path.into()
}

impl Signature {
    /// Reads the text of a signature.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = |error: minisign_verify::Error| error.to_string();
        let signature = minisign_verify::Signature::decode(text).map_err(problem)?;
        let line = text.lines().nth(1).unwrap_or_default();
        let id = KeyId::of(line).ok_or("its second line is no signature")?;
        Ok(Self {
            id,
            text: text.to_owned(),
            signature,
        })
    }

    /// The signature beside a file; `None` when there is none.
    ///
    /// # Errors
    /// [`TrustProblem::Signature`] for a file that cannot be read or is no signature.
    pub fn beside(file: &Path) -> Result<Option<Self>, TrustProblem> {
        let path = signature_path(file);
        let problem = |problem: String| TrustProblem::Signature {
            path: path.clone(),
            problem,
        };
        let opened = match open_regular(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| problem(error.to_string()))?,
        };
        let (opened, _) = opened.map_err(|found| problem(format!("it is {found}")))?;
        let mut text = String::new();
        opened
            .take(MAX_SIGNATURE)
            .read_to_string(&mut text)
            .map_err(|error| problem(error.to_string()))?;
        Self::parse(&text).map(Some).map_err(problem)
    }

    /// The number of the key that made it, as it says.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Verifies it over all that `content` yields. What vouches for it is one of `keys`.
    ///
    /// # Errors
    /// [`TrustProblem::UnknownKey`] and [`TrustProblem::Tampered`], or content that cannot be read.
    pub fn verify(
        &self,
        keys: &[PublicKey],
        mut content: impl Read,
    ) -> Result<KeyId, TrustProblem> {
        // Numbers can meet by chance or intent; a key is known by its signature.
        let mut verifiers = Vec::new();
        for known in keys.iter().filter(|known| known.id == self.id) {
            let verifier = known.key.verify_stream(&self.signature);
            verifiers.push(verifier.map_err(|error| TrustProblem::Legacy {
                key: self.id,
                problem: error.to_string(),
            })?);
        }
        if verifiers.is_empty() {
            return Err(TrustProblem::UnknownKey {
                found: self.id,
                expected: keys.iter().map(PublicKey::id).collect(),
            });
        }
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = content.read(&mut buffer).map_err(TrustProblem::Read)?;
            if read == 0 {
                break;
            }
            for verifier in &mut verifiers {
                verifier.update(&buffer[..read]);
            }
        }
        let good = verifiers
            .iter_mut()
            .any(|verifier| verifier.finalize().is_ok());
        match good {
            true => Ok(self.id),
            false => Err(TrustProblem::Tampered { key: self.id }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    // Of minisign's documentation.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
";

    #[test]
    fn a_published_signature_is_verified() {
        let key = PublicKey::parse(KEY).unwrap();
        // So minisign names this key.
        assert_eq!(key.id().to_string(), "E7620F1842B4E81F");
        let signature = Signature::parse(SIGNATURE).unwrap();
        let keys = [key.clone()];
        assert_eq!(signature.verify(&keys, &b"test"[..]).unwrap(), key.id());
        let other = signature.verify(&keys, &b"tesT"[..]).unwrap_err();
        assert!(matches!(other, TrustProblem::Tampered { .. }), "{other}");
        let comment = SIGNATURE.replace("file:test", "file:best");
        let comment = Signature::parse(&comment).unwrap();
        let other = comment.verify(&keys, &b"test"[..]).unwrap_err();
        assert!(matches!(other, TrustProblem::Tampered { .. }), "{other}");
        let nobody = signature.verify(&[], &b"test"[..]).unwrap_err();
        assert!(
            matches!(nobody, TrustProblem::UnknownKey { .. }),
            "{nobody}"
        );
    }

    /// A pipe would be waited for, and a device read without end.
    #[test]
    #[cfg(unix)]
    fn what_is_beside_a_file_and_no_file() {
        use std::os::unix::{fs::symlink, net::UnixListener};
        let folder = tempfile::tempdir().unwrap();
        let (file, beside) = (folder.path().join("f"), folder.path().join("f.minisig"));
        assert!(Signature::beside(&file).unwrap().is_none());
        let refused = || {
            let message = Signature::beside(&file).unwrap_err().to_string();
            assert!(message.contains("no regular file"), "{message}");
            std::fs::remove_file(&beside).unwrap();
        };
        let made = std::process::Command::new("mkfifo").arg(&beside).status();
        assert!(made.unwrap().success());
        refused();
        symlink("/dev/zero", &beside).unwrap();
        refused();
        drop(UnixListener::bind(&beside).unwrap());
        refused();
    }

    #[test]
    fn what_is_no_key_and_no_signature() {
        let file = format!("untrusted comment: a key\n{KEY}\n");
        assert_eq!(
            PublicKey::parse(&file).unwrap(),
            PublicKey::parse(KEY).unwrap()
        );
        for text in ["", "RWQf", &KEY[1..], SIGNATURE] {
            assert!(PublicKey::parse(text).is_err(), "{text}");
        }
        for text in [
            "",
            KEY,
            &SIGNATURE[..100],
            &SIGNATURE.replace("trusted c", "c"),
        ] {
            assert!(Signature::parse(text).is_err(), "{text}");
        }
    }
}
