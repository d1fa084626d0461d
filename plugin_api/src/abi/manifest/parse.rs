//! Reading a manifest: bounded, and total over all byte strings.

use thiserror::Error;

use super::{
    Capability, CapabilityKind, HEADER_LEN, HEADER_VERSION, Layer, MAGIC, MAX_LEN, MAX_RECORDS,
    Manifest,
};

/// Why bytes are no manifest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The section does not start with the magic.
    #[error("no manifest: the section does not start with the manifest's magic")]
    NoMagic,
    /// The layout is of another version.
    #[error("manifest layout version {found}, expected {HEADER_VERSION}")]
    HeaderVersion {
        /// The version found.
        found: u16,
    },
    /// The section ends before the manifest does.
    #[error("manifest cut short: expected {expected} bytes, found {found}")]
    Truncated {
        /// Bytes announced.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
    /// A bound is exceeded.
    #[error("manifest has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        limit: usize,
    },
    /// A record is not UTF-8.
    #[error("manifest record {index} is not UTF-8")]
    NotUtf8 {
        /// The record's position.
        index: usize,
    },
    /// A record that must be there is missing, or there twice.
    #[error("manifest record '{key}' {problem}")]
    Record {
        /// The record's key.
        key: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A record's value is not of its form.
    #[error("manifest record '{key}' is {found:?}, expected {expected}")]
    Value {
        /// The record's key.
        key: &'static str,
        /// The value, shortened.
        found: String,
        /// The form expected.
        expected: &'static str,
    },
}

impl Manifest {
    /// Reads the manifest that `bytes` start with.
    ///
    /// # Errors
    /// A [`ManifestError`] for bytes that are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut records = Records::collect(bytes)?;
        let manifest = Self {
            name: records.plugin_name()?,
            version: records.one("version")?,
            description: records.one("description")?,
            license: records.one("license")?,
            contract: {
                let text = records.one("contract")?;
                text.parse()
                    .map_err(|_| value("contract", &text, "major.minor"))?
            },
            datafusion: records.one("datafusion")?,
            arrow: records.one("arrow")?,
            datafusion_ffi: records.optional("datafusion-ffi")?,
            sqlparser: records.optional("sqlparser")?,
            rustc: records.one("rustc")?,
            target: records.one("target")?,
            profile: records.one("profile")?,
            panic: records.one("panic")?,
            capabilities: records.capabilities()?,
            unknown: records.0,
        };
        Ok(manifest)
    }
}

fn value(key: &'static str, found: &str, expected: &'static str) -> ManifestError {
    ManifestError::Value {
        key,
        found: found.chars().take(64).collect(),
        expected,
    }
}

/// The records not yet asked for.
struct Records(Vec<(String, String)>);

impl Records {
    fn collect(bytes: &[u8]) -> Result<Self, ManifestError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(ManifestError::NoMagic);
        }
        let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(ManifestError::Truncated {
            expected: HEADER_LEN,
            found: bytes.len(),
        })?;
        let found = u16::from_le_bytes([header[8], header[9]]);
        if found != HEADER_VERSION {
            return Err(ManifestError::HeaderVersion { found });
        }
        let len = u32::from_le_bytes([header[12], header[13], header[14], header[15]]) as usize;
        if len > MAX_LEN {
            return Err(ManifestError::TooLarge {
                what: "bytes",
                limit: MAX_LEN,
            });
        }
        let truncated = || ManifestError::Truncated {
            expected: HEADER_LEN + len,
            found: bytes.len(),
        };
        let mut rest = bytes
            .get(HEADER_LEN..HEADER_LEN + len)
            .ok_or_else(truncated)?;

        let mut records = Vec::new();
        while !rest.is_empty() {
            let index = records.len();
            if index == MAX_RECORDS {
                return Err(ManifestError::TooLarge {
                    what: "records",
                    limit: MAX_RECORDS,
                });
            }
            let (lengths, body) = rest.split_first_chunk::<6>().ok_or_else(truncated)?;
            let key_len = usize::from(u16::from_le_bytes([lengths[0], lengths[1]]));
            let value_len =
                u32::from_le_bytes([lengths[2], lengths[3], lengths[4], lengths[5]]) as usize;
            let (key, body) = body.split_at_checked(key_len).ok_or_else(truncated)?;
            let (value, body) = body.split_at_checked(value_len).ok_or_else(truncated)?;
            let text = |bytes: &[u8]| {
                std::str::from_utf8(bytes)
                    .map(str::to_owned)
                    .map_err(|_| ManifestError::NotUtf8 { index })
            };
            records.push((text(key)?, text(value)?));
            rest = body;
        }
        Ok(Self(records))
    }

    fn all(&mut self, key: &str) -> Vec<String> {
        self.0
            .extract_if(.., |(found, _)| found == key)
            .map(|(_, value)| value)
            .collect()
    }

    fn at_most_one(&mut self, key: &'static str) -> Result<Option<String>, ManifestError> {
        let mut values = self.all(key);
        if values.len() > 1 {
            return Err(ManifestError::Record {
                key,
                problem: "appears more than once",
            });
        }
        Ok(values.pop())
    }

    fn one(&mut self, key: &'static str) -> Result<String, ManifestError> {
        self.at_most_one(key)?.ok_or(ManifestError::Record {
            key,
            problem: "is missing",
        })
    }

    fn optional(&mut self, key: &'static str) -> Result<String, ManifestError> {
        Ok(self.at_most_one(key)?.unwrap_or_default())
    }

    fn plugin_name(&mut self) -> Result<String, ManifestError> {
        let name = self.one("name")?;
        let plain = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if plain {
            Ok(name)
        } else {
            Err(value(
                "name",
                &name,
                "at most 64 lower-case letters, digits and '_', a letter first",
            ))
        }
    }

    fn capabilities(&mut self) -> Result<Vec<Capability>, ManifestError> {
        self.all("capability")
            .into_iter()
            .map(|text| {
                let wrong = || {
                    value(
                        "capability",
                        &text,
                        "kind:layer with layer portable or same-major",
                    )
                };
                let (kind, layer) = text.split_once(':').ok_or_else(wrong)?;
                let layer = match layer {
                    "portable" => Layer::Portable,
                    "same-major" => Layer::SameMajor,
                    _ => return Err(wrong()),
                };
                Ok(Capability {
                    kind: CapabilityKind::from_name(kind),
                    layer,
                })
            })
            .collect()
    }
}
