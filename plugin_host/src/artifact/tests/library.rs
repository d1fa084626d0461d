//! Minimal shared libraries with a manifest, byte by byte.

use datafusion_plugin_api::abi::{CONTRACT, built_with, manifest::MAGIC};

/// The records of a manifest that suits this host.
pub(crate) const MANIFEST: [(&str, &str); 13] = [
    ("name", "sample"),
    ("version", "1.2.3"),
    ("description", "A sample"),
    ("license", "Apache-2.0"),
    ("contract", "1.0"),
    ("datafusion", built_with::DATAFUSION),
    ("arrow", built_with::ARROW),
    ("rustc", built_with::RUSTC),
    ("target", built_with::TARGET),
    ("profile", "release"),
    ("panic", "unwind"),
    ("capability", "scalar_function:portable"),
    ("capability", "scalar_function_simplify:same-major"),
];

/// A library to be written.
pub(crate) struct Library {
    pub(crate) records: Vec<(&'static str, &'static str)>,
    /// The name of the manifest's section in ELF.
    pub(crate) section: &'static str,
    /// Bytes between the headers and the manifest.
    pub(crate) padding: usize,
}

impl Default for Library {
    fn default() -> Self {
        assert_eq!(CONTRACT.to_string(), "1.0");
        Self {
            records: MANIFEST.to_vec(),
            section: ".dfplugin",
            padding: 0,
        }
    }
}

impl Library {
    /// The sample library with another value for a record.
    pub(crate) fn with(key: &str, value: &'static str) -> Self {
        let mut library = Self::default();
        for record in &mut library.records {
            if record.0 == key {
                record.1 = value;
            }
        }
        library
    }

    pub(crate) fn manifest(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (key, value) in &self.records {
            body.extend((key.len() as u16).to_le_bytes());
            body.extend((value.len() as u32).to_le_bytes());
            body.extend(key.as_bytes());
            body.extend(value.as_bytes());
        }
        let mut out = MAGIC.to_vec();
        out.extend([1, 0, 0, 0]);
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    /// Headers, manifest, section names, section table.
    pub(crate) fn elf(&self) -> Vec<u8> {
        let manifest = self.manifest();
        let manifest_at = 64 + self.padding;
        let names = format!("\0{}\0.shstrtab\0", self.section);
        let names_at = manifest_at + manifest.len();
        let table_at = (names_at + names.len()).next_multiple_of(8);

        let mut out = b"\x7fELF\x02\x01\x01".to_vec();
        out.resize(16, 0);
        out.extend(3_u16.to_le_bytes()); // ET_DYN
        out.extend(62_u16.to_le_bytes()); // x86-64
        out.extend(1_u32.to_le_bytes());
        out.extend([0; 16]); // no entry, no program headers
        out.extend((table_at as u64).to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        for half in [64_u16, 56, 0, 64, 3, 2] {
            out.extend(half.to_le_bytes());
        }
        out.resize(manifest_at, 0);
        out.extend(&manifest);
        out.extend(names.as_bytes());
        out.resize(table_at, 0);
        let sections = [
            (0, 0, 0, 0),
            (1, 1, manifest_at, manifest.len()),
            (2 + self.section.len(), 3, names_at, names.len()),
        ];
        for (name, kind, offset, len) in sections {
            out.extend((name as u32).to_le_bytes());
            out.extend((kind as u32).to_le_bytes());
            out.extend([0; 16]);
            out.extend((offset as u64).to_le_bytes());
            out.extend((len as u64).to_le_bytes());
            out.extend([0; 24]);
        }
        out
    }

    /// Header, one segment of one section, manifest.
    pub(crate) fn macho(&self) -> Vec<u8> {
        self.macho_of(0x0100_0007)
    }

    fn macho_of(&self, cpu: u32) -> Vec<u8> {
        let manifest = self.manifest();
        let at = 32 + 72 + 80;
        let mut out = Vec::new();
        for word in [0xfeed_facf, cpu, 3, 6, 1, 72 + 80, 0, 0] {
            out.extend(u32::to_le_bytes(word));
        }
        let name = |text: &str| {
            let mut name = text.as_bytes().to_vec();
            name.resize(16, 0);
            name
        };
        out.extend(0x19_u32.to_le_bytes());
        out.extend(152_u32.to_le_bytes());
        out.extend(name("__DATA"));
        for word in [0, manifest.len() as u64, at, manifest.len() as u64] {
            out.extend(word.to_le_bytes());
        }
        for word in [3_u32, 3, 1, 0] {
            out.extend(word.to_le_bytes());
        }
        out.extend(name("__dfplugin"));
        out.extend(name("__DATA"));
        out.extend(0_u64.to_le_bytes());
        out.extend((manifest.len() as u64).to_le_bytes());
        out.extend((at as u32).to_le_bytes());
        out.extend([0; 28]);
        out.extend(manifest);
        out
    }

    /// Images for arm64 and x86-64.
    pub(crate) fn fat_macho(&self) -> Vec<u8> {
        let images = [0x0100_000c_u32, 0x0100_0007].map(|cpu| (cpu, self.macho_of(cpu)));
        let mut out = b"\xca\xfe\xba\xbe\x00\x00\x00\x02".to_vec();
        let mut at = 64;
        for (cpu, image) in &images {
            for word in [*cpu, 3, at, image.len() as u32, 3] {
                out.extend(word.to_be_bytes());
            }
            at += image.len() as u32;
        }
        out.resize(64, 0);
        for (_, image) in images {
            out.extend(image);
        }
        out
    }

    /// Headers, one section.
    pub(crate) fn pe(&self) -> Vec<u8> {
        let manifest = self.manifest();
        let mut out = b"MZ".to_vec();
        out.resize(60, 0);
        out.extend(64_u32.to_le_bytes());
        out.extend(b"PE\0\0");
        out.extend(0x8664_u16.to_le_bytes());
        out.extend(1_u16.to_le_bytes());
        out.extend([0; 12]);
        out.extend(240_u16.to_le_bytes());
        out.extend(0x2022_u16.to_le_bytes()); // a 64-bit DLL
        let optional = out.len();
        out.extend(0x20b_u16.to_le_bytes());
        out.resize(optional + 108, 0);
        out.extend(16_u32.to_le_bytes());
        out.resize(optional + 240, 0);
        let at = 512_u32;
        out.extend(b".dfplug\0");
        for word in [manifest.len() as u32, 0x1000, manifest.len() as u32, at] {
            out.extend(word.to_le_bytes());
        }
        out.extend([0; 16]);
        out.resize(at as usize, 0);
        out.extend(manifest);
        out
    }
}
