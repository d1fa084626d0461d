//! Memory after many reloads under load, but for the libraries that stay mapped. Measured in processes of their own.
#![cfg(target_os = "linux")]

use std::process::Command;

use super::*;

/// Set in the process that measures.
const CHILD: &str = "PLUGIN_TESTS_MEMORY_OF_RELOADS";
/// What a reload may leave behind, beside the library. A session's plugin alone has more than this: its description,
/// adapters, and the objects of its side.
const EACH: usize = 24 << 10;
/// What comes and goes: batches, plans and what the allocator keeps of ten queries that run at once. The least of several
/// measurements has little of it.
const UNREST: usize = 6 << 20;
const WARM_UP: usize = 8;

/// A line of this process' status, in bytes.
fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() << 10
}

/// Bytes of this process that are in no file's mapping: what a library's relocation made of its pages is not among
/// them.
fn allocated() -> usize {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let (mut of_file, mut kilobytes) = (false, 0);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if !first.ends_with(':') {
            // Range, rights, offset, device, number, and the name if there is one.
            of_file = words.nth(4).is_some_and(|name| name.starts_with('/'));
        } else if first == "Anonymous:" && !of_file {
            kilobytes += words.next().unwrap().parse::<usize>().unwrap();
        }
    }
    kilobytes << 10
}

/// Runs a test of this file in a process of its own.
fn in_a_child(test: &str) {
    let child = env::current_exe().unwrap();
    let output = Command::new(child)
        .args([
            "--exact",
            &format!("main::reload::memory::{test}"),
            "--nocapture",
        ])
        .env(CHILD, test)
        // Threads that have come and gone leave no heaps behind.
        .env("MALLOC_ARENA_MAX", "2")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let figures = text.lines().filter(|line| line.contains("reloads"));
    figures.for_each(|line| println!("{line}"));
}

fn is_child(test: &str) -> bool {
    env::var_os(CHILD).is_some_and(|child| *child == *test)
}

/// `PLUGIN_TESTS_RELOADS=500` makes it the soak.
#[test]
fn reloads_under_load() {
    const NAME: &str = "reloads_under_load";
    if !is_child(NAME) {
        return in_a_child(NAME);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    // Bytes that are in memory and of no file: private to this process.
    let mut measured = Vec::new();
    let measure = || measured.push(status("RssAnon"));
    let (each, queries) = runtime.block_on(load::run(WARM_UP + reloads(), measure));
    let (warm, end) = (measured[WARM_UP - 1], status("RssAnon"));
    println!(
        "{} reloads, {each:?} each, {} KiB grown (from {} MiB), {queries} queries, no wrong result",
        reloads(),
        end.saturating_sub(warm) >> 10,
        warm >> 20
    );
    // A leak of each reload shows between the halves.
    let (first, second) = measured[WARM_UP..].split_at(reloads() / 2);
    let least = |half: &[usize]| half.iter().copied().min().unwrap();
    let grown = least(second).saturating_sub(least(first));
    println!(
        "{} KiB grown between the halves of the reloads",
        grown >> 10
    );
    assert!(grown < UNREST + EACH * reloads() / 2, "{measured:?}");
}

/// What grows where each version has other bytes is what is mapped of the libraries that are listed as retained.
#[test]
fn other_versions_cost_their_libraries() {
    const NAME: &str = "other_versions_cost_their_libraries";
    if !is_child(NAME) {
        return in_a_child(NAME);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let place = Place::with(ONE);
        let host = place.load("");
        let context = session(&host);
        let mapped = || host.retained().iter().map(|old| old.bytes).sum::<u64>();
        let (mut warm, mut own, mut before) = (0, 0, 0);
        let versions = 12;
        for i in 0..versions {
            if i == 4 {
                (warm, own, before) = (status("VmRSS"), allocated(), mapped());
            }
            place.put_version([TWO, ONE][i % 2], &format!("1.0.{i}"));
            assert_replaced(&host.reload().unwrap());
            is_version(&context, [2, 1][i % 2]).await;
        }
        let grown = status("VmRSS").saturating_sub(warm);
        let own = allocated().saturating_sub(own);
        let mapped = usize::try_from(mapped() - before).unwrap();
        println!(
            "{} reloads to other bytes: {grown} bytes grown, {own} beside the libraries, {mapped} retained",
            versions - 4
        );
        assert!(grown < mapped + UNREST, "{grown} bytes, {mapped} retained");
        assert!(own < UNREST, "{own} bytes beside the libraries");
    });
}
