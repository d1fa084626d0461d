//! Memory after many reloads, but for the libraries that stay mapped. Measured in a process of its own.
#![cfg(target_os = "linux")]

use std::process::Command;

use super::*;

/// Set in the process that measures.
const CHILD: &str = "PLUGIN_TESTS_MEMORY_OF_RELOADS";
/// What a reload may leave behind, beside the library.
const EACH: usize = 64 << 10;
const WARM_UP: usize = 10;

/// Bytes of this process that are in memory and of no file.
fn anonymous() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() << 10
}

#[test]
fn memory_is_flat() {
    let child = env::current_exe().unwrap();
    let output = Command::new(child)
        .args(["--exact", "main::reload::memory::in_a_child", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The other test's child; alone, it has nothing to do.
#[test]
fn in_a_child() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let place = Place::with(ONE);
        let host = place.load("");
        let context = session(&host);
        let mut warm = 0;
        for i in 0..reloads() + WARM_UP {
            place.put([TWO, ONE][i % 2]);
            assert!(replaced(&host.reload().unwrap()));
            is_version(&context, [2, 1][i % 2]).await;
            if i + 1 == WARM_UP {
                warm = anonymous();
            }
        }
        let grown = anonymous().saturating_sub(warm);
        let most = EACH * reloads();
        assert!(grown < most, "{grown} bytes after {} reloads", reloads());
        assert_eq!(host.retained().len(), 2);
    });
}
