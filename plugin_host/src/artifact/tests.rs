#![allow(clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod library;

use std::{collections::BTreeSet, fs};

use datafusion_plugin_api::abi::manifest::ManifestError;
use proptest::prelude::*;

use super::{description::FunctionEntry, *};
use library::{Library, MANIFEST};

fn problem(bytes: &[u8]) -> ArtifactProblem {
    Artifact::from_bytes(bytes).unwrap_err()
}

fn description(names: &[&str]) -> Description {
    Description {
        functions: names
            .iter()
            .map(|name| FunctionEntry {
                name: (*name).to_owned(),
                ..FunctionEntry::default()
            })
            .collect(),
        ..Description::default()
    }
}

/// A library on disk with a packed description, and its bytes.
fn packed_library() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.so");
    fs::write(&path, Library::default().elf()).unwrap();
    pack(&path, &description(&["f", "g"])).unwrap();
    fs::read(&path).unwrap()
}

#[test]
fn libraries_of_every_format_are_read() {
    let library = Library::default();
    for (bytes, format) in [
        (library.elf(), Format::Elf),
        (library.macho(), Format::MachO),
        (library.fat_macho(), Format::MachO),
        (library.pe(), Format::Pe),
    ] {
        let artifact = Artifact::from_bytes(&bytes).unwrap();
        assert_eq!(artifact.format(), format);
        assert_eq!(artifact.architecture(), "x86_64");
        assert_eq!(artifact.bits(), 64);
        assert_eq!(artifact.manifest().name, "sample");
        assert!(artifact.description().is_none());
        assert_eq!(artifact.len(), bytes.len() as u64);
    }
}

/// What the fuzz targets start from; `UPDATE_FUZZ_SEEDS=1` writes it anew.
#[test]
fn the_seeds_of_the_fuzz_targets_are_read() {
    // Cargo runs tests in the folder of their package.
    let seeds = Path::new("../fuzz/seeds");
    let library = Library::default();
    let artifacts = [
        ("artifact/elf", library.elf()),
        ("artifact/macho", library.macho()),
        ("artifact/fat_macho", library.fat_macho()),
        ("artifact/pe", library.pe()),
        ("artifact/packed", packed_library()),
    ];
    if std::env::var_os("UPDATE_FUZZ_SEEDS").is_some() {
        fs::create_dir_all(seeds.join("artifact")).unwrap();
        fs::create_dir_all(seeds.join("manifest")).unwrap();
        for (name, bytes) in &artifacts {
            fs::write(seeds.join(name), bytes).unwrap();
        }
        fs::write(seeds.join("manifest/sample"), library.manifest()).unwrap();
    }
    for (name, _) in artifacts {
        let seed = Artifact::from_bytes(&fs::read(seeds.join(name)).unwrap()).unwrap();
        assert_eq!(seed.manifest().name, "sample", "{name}");
        assert_eq!(
            seed.description().is_some(),
            name.ends_with("packed"),
            "{name}"
        );
    }
    let manifest = fs::read(seeds.join("manifest/sample")).unwrap();
    assert_eq!(Manifest::parse(&manifest).unwrap().name, "sample");
}

#[test]
fn what_is_no_library_is_named() {
    assert!(matches!(problem(b""), ArtifactProblem::Empty));
    assert!(matches!(
        problem("hello, plügin\n".as_bytes()),
        ArtifactProblem::Text
    ));
    assert!(matches!(
        problem(b"\x00\x01\x02\x03"),
        ArtifactProblem::Unknown
    ));
    assert!(matches!(
        problem(b"!<arch>\n\x00"),
        ArtifactProblem::NotSharedLibrary {
            found: "a static archive"
        }
    ));
    let mut object = Library::default().elf();
    object[16] = 1;
    assert!(matches!(
        problem(&object),
        ArtifactProblem::NotSharedLibrary {
            found: "an object file"
        }
    ));
    // A Java class has the magic of a Mach-O file for several machines.
    let class = b"\xca\xfe\xba\xbe\x00\x00\x00\x41\x00\x10";
    assert!(matches!(problem(class), ArtifactProblem::Unknown));
    let plain = Library {
        section: ".other",
        ..Library::default()
    };
    let error = problem(&plain.elf());
    assert!(matches!(
        error,
        ArtifactProblem::NoManifest {
            format: Format::Elf,
            ..
        }
    ));
    assert!(error.to_string().contains("'.dfplugin'"), "{error}");
}

#[test]
fn a_running_program_is_no_plugin() {
    let error = Artifact::read(std::env::current_exe().unwrap()).unwrap_err();
    assert!(
        matches!(
            error.problem,
            ArtifactProblem::NotSharedLibrary {
                found: "an executable"
            }
        ),
        "{error}"
    );
}

#[test]
fn unreadable_paths_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = Artifact::read(directory.path()).unwrap_err();
    assert!(matches!(
        error.problem,
        ArtifactProblem::NotAFile {
            found: "a directory"
        }
    ));
    let missing = directory.path().join("missing.so");
    let error = Artifact::read(&missing).unwrap_err();
    assert!(matches!(error.problem, ArtifactProblem::Io(_)));
    assert!(
        error
            .to_string()
            .starts_with(&missing.display().to_string())
    );
    let long = directory.path().join("long.so");
    fs::File::create(&long)
        .unwrap()
        .set_len(MAX_FILE_LEN + 1)
        .unwrap();
    let error = Artifact::read(&long).unwrap_err();
    assert!(matches!(error.problem, ArtifactProblem::TooLong { .. }));
}

#[test]
fn a_damaged_manifest_is_named() {
    let mut bytes = Library::default().elf();
    let at = bytes.windows(8).position(|w| w == b"\x7fDFPLUG\n").unwrap();
    bytes[at + 8] = 9;
    assert!(matches!(
        problem(&bytes),
        ArtifactProblem::Manifest(ManifestError::HeaderVersion { found: 9 })
    ));
}

#[test]
fn every_prefix_of_a_library_is_an_error() {
    let library = Library::default();
    for bytes in [
        library.elf(),
        library.macho(),
        library.fat_macho(),
        library.pe(),
    ] {
        for len in 0..bytes.len() {
            let result = Artifact::from_bytes(&bytes[..len]);
            assert!(
                result.is_err(),
                "a prefix of {len} of {} bytes",
                bytes.len()
            );
        }
    }
}

#[test]
fn every_prefix_of_a_packed_library_but_the_library_is_an_error() {
    let bytes = packed_library();
    let library_len = Library::default().elf().len();
    let whole = (0..bytes.len())
        .filter(|len| Artifact::from_bytes(&bytes[..*len]).is_ok())
        .collect::<Vec<_>>();
    assert_eq!(whole, [library_len]);
    assert!(matches!(
        problem(&bytes[..bytes.len() - 1]),
        ArtifactProblem::Description(DescriptionError::Truncated)
    ));
}

#[test]
fn packing_is_idempotent_and_replaces() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.so");
    fs::write(&path, Library::default().elf()).unwrap();

    assert_eq!(pack(&path, &description(&["f"])).unwrap(), Packed::Written);
    let first = fs::read(&path).unwrap();
    assert!(first.starts_with(&Library::default().elf()));
    assert_eq!(
        pack(&path, &description(&["f"])).unwrap(),
        Packed::Unchanged
    );
    assert_eq!(fs::read(&path).unwrap(), first);

    assert_eq!(
        pack(&path, &description(&["other"])).unwrap(),
        Packed::Written
    );
    let artifact = Artifact::read(&path).unwrap();
    assert_eq!(artifact.description().unwrap().functions[0].name, "other");
    pack(&path, &description(&["f"])).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn packing_mends_a_damaged_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.so");
    let whole = packed_library();
    let library_len = Library::default().elf().len();
    for damage in [library_len + 20, whole.len() - 20, whole.len() - 30] {
        let mut bytes = whole.clone();
        bytes[damage] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = Artifact::read(&path).unwrap_err();
        assert!(
            matches!(error.problem, ArtifactProblem::Description(_)),
            "{error}"
        );
        pack(&path, &description(&["f", "g"])).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn what_cannot_be_packed_stays_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.so");
    fs::write(&path, b"no library").unwrap();
    assert!(matches!(
        pack(&path, &description(&["f"])),
        Err(PackError::Artifact(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), b"no library");

    fs::write(&path, Library::default().elf()).unwrap();
    let huge = "x".repeat(17 << 20);
    let error = pack(&path, &description(&[&huge])).unwrap_err();
    assert!(matches!(error, PackError::Description { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), Library::default().elf());
}

#[test]
fn unpacked_bytes_are_those_of_the_library() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.so");
    let plain = Library::default().elf();
    fs::write(&path, &plain).unwrap();
    assert_eq!(unpacked(&path).unwrap(), None);
    let mut packed = packed_library();
    fs::write(&path, &packed).unwrap();
    assert_eq!(unpacked(&path).unwrap(), Some(plain.clone()));
    packed.pop();
    fs::write(&path, &packed).unwrap();
    assert_eq!(unpacked(&path).unwrap(), Some(plain));
}

#[cfg(unix)]
#[test]
fn packing_keeps_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.so");
    let link = directory.path().join("link.so");
    fs::write(&path, Library::default().elf()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
    symlink(&path, &link).unwrap();
    pack(&link, &description(&["f"])).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(Artifact::read(&path).unwrap().description().is_some());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o751);
}

#[test]
fn a_record_of_another_plugin_is_refused() {
    let packed = packed_library();
    let record = &packed[Library::default().elf().len()..];
    let records = MANIFEST.map(|(key, value)| match key {
        "version" => (key, "9.9.9"),
        _ => (key, value),
    });
    let other = Library {
        records: records.to_vec(),
        ..Library::default()
    };
    let bytes = [&other.elf()[..], record].concat();
    let error = problem(&bytes).to_string();
    assert!(
        error.contains("sample 1.2.3") && error.contains("sample 9.9.9"),
        "{error}"
    );
}

#[test]
fn reading_touches_only_what_it_needs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.so");
    let library = Library {
        padding: 64 << 20,
        ..Library::default()
    };
    fs::write(&path, library.elf()).unwrap();
    Artifact::read(&path).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..20 {
        Artifact::read(&path).unwrap();
    }
    // Reading 64 MiB twenty times takes far longer on any machine.
    assert!(start.elapsed().as_millis() < 200, "{:?}", start.elapsed());
}

#[test]
fn messages_differ() {
    let whole = Library::default().elf();
    let samples: [&[u8]; 6] = [
        b"",
        b"text",
        b"\0\0",
        &whole[..100],
        b"!<arch>\n",
        b"\x7fELF\x09",
    ];
    let messages: BTreeSet<_> = samples.iter().map(|s| problem(s).to_string()).collect();
    assert_eq!(messages.len(), samples.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_give_an_artifact_or_an_error(
        magic in prop::sample::select(vec![
            &b""[..], b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x01\x01", b"\xcf\xfa\xed\xfe",
            b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02", b"\xca\xfe\xba\xbf\0\0\0\x02", b"MZ",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let _ = Artifact::from_bytes(&[magic, &rest[..]].concat());
    }

    #[test]
    fn any_mutation_gives_an_artifact_or_an_error(
        kind in 0..5_usize,
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let library = Library::default();
        let mut bytes = match kind {
            0 => library.elf(),
            1 => library.macho(),
            2 => library.fat_macho(),
            3 => library.pe(),
            _ => packed_library(),
        };
        for (at, value) in mutations {
            // Headers matter most.
            let at = at.index(bytes.len().min(if value % 2 == 0 { 512 } else { usize::MAX }));
            bytes[at] = value;
        }
        let _ = Artifact::from_bytes(&bytes);
    }
}
