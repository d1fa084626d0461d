//! A version that fails changes nothing.

use super::*;

fn versions(host: &PluginHost) -> Vec<String> {
    let retained = host.retained().into_iter();
    retained.map(|old| old.version).collect()
}

#[tokio::test]
async fn a_version_that_fails_changes_nothing() {
    let place = Place::with(ONE);
    let host = place.load("[plugins.changing.options]\nfails = 2");
    let context = session(&host);
    type Write = fn(&Path);
    let text: Write = |file| fs::write(file, "no library").unwrap();
    let empty: Write = |file| fs::write(file, "").unwrap();
    let short: Write = |file| {
        let bytes = fs::read(library(TWO)).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    let no_plugin: Write = |file| {
        fs::copy(plugin("fixture-no-plugin"), file).unwrap();
    };
    let contract: Write = |file| {
        let edit = |records: &mut _| set(records, "contract", "9.0");
        patched(library(TWO), file.to_owned(), edit);
    };
    let undeclared: Write = |file| {
        let edit = |records: &mut plugin_tests::patch::Records| {
            let policy = |(key, value): &(String, String)| {
                key == "capability" && value.contains("window_function")
            };
            records.retain(|record| !policy(record));
        };
        patched(library(ONE), file.to_owned(), edit);
    };
    let starts_not: Write = |file| {
        fs::copy(library(TWO), file).unwrap();
    };
    for (write, said, mapped) in [
        (text, "text file", 0),
        (empty, "empty", 0),
        (short, "cut short", 0),
        (no_plugin, "no plugin", 0),
        (contract, "speaks contract 9.0", 0),
        (
            undeclared,
            "does not declare capability 'window_function'",
            1,
        ),
        (starts_not, "version 2 does not start", 2),
        // Again: it is mapped already.
        (starts_not, "version 2 does not start", 2),
    ] {
        place.replace(write);
        let report = host.reload().unwrap();
        assert!(report.is_unchanged());
        let failures: Vec<_> = report.failures().collect();
        let [file] = failures.as_slice() else {
            panic!("{said}: {report:?}")
        };
        assert_eq!(
            (file.plugin.as_str(), &file.path),
            ("changing", &place.file())
        );
        let problem = failure(&report);
        assert!(problem.contains(said), "{said}: {problem}");
        is_version(&context, 1).await;
        // What did not start stays mapped all the same.
        assert_eq!(versions(&host).len(), mapped, "{said}");
    }
    // Once it is right, it is taken.
    place.put_version(ONE, "0.1.9");
    assert_replaced(&host.reload().unwrap());
    assert_eq!(host.plugins()[0].manifest().version.to_string(), "0.1.9");
    is_version(&context, 1).await;
}

#[tokio::test]
async fn a_version_that_panics_when_it_is_started() {
    let place = Place::with(ONE);
    let host = place.load("[plugins.changing.options]\npanics = 2");
    let context = session(&host);
    place.put(TWO);
    for _ in 0..2 {
        let report = host.reload().unwrap();
        let problem = failure(&report);
        assert!(problem.contains("version 2 panics"), "{problem}");
        assert!(problem.contains("plugin 'changing'"), "{problem}");
        is_version(&context, 1).await;
    }
}

#[tokio::test]
async fn two_files_of_one_name_change_nothing() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let second = place
        .path()
        .join("second")
        .with_extension(env::consts::DLL_EXTENSION);
    fs::copy(library(TWO), &second).unwrap();
    let error = host.reload().unwrap_err().to_string();
    for path in [&second, &place.file()] {
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
    is_version(&context, 1).await;
    fs::remove_file(second).unwrap();
    assert!(host.reload().unwrap().is_unchanged());
}

#[tokio::test]
async fn one_that_fails_keeps_no_other_out() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let other = place
        .path()
        .join("other")
        .with_extension(env::consts::DLL_EXTENSION);
    fs::write(&other, "no library").unwrap();
    place.put(TWO);
    let report = host.reload().unwrap();
    assert_eq!(report.failures().count(), 1, "{report:?}");
    assert_eq!(report.failures().next().unwrap().path, other);
    is_version(&context, 2).await;
}
