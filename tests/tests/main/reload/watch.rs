//! A directory that is watched.

use std::{
    fs::File,
    io::Write,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use datafusion_plugin_host::{HostError, Watch};

use super::*;

const SETTLED: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(60);

type Told = Receiver<std::result::Result<ReloadReport, HostError>>;

fn watched(host: &PluginHost) -> (Watch, Told) {
    let (tell, told) = mpsc::channel();
    let watch = host.watch(SETTLED, move |report| drop(tell.send(report)));
    (watch.unwrap(), told)
}

/// The next report with something in it. On a busy machine a file may take longer than the settling time to be
/// written aside.
fn next(told: &Told) -> ReloadReport {
    loop {
        let report = told.recv_timeout(PATIENCE).unwrap().unwrap();
        if !report.is_unchanged() || report.failures().next().is_some() {
            return report;
        }
    }
}

#[tokio::test]
async fn a_change_is_taken_in_and_a_failure_told() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let (watch, told) = watched(&host);
    place.put(TWO);
    assert_replaced(&next(&told));
    is_version(&context, 2).await;

    place.replace(|file| fs::write(file, "no library").unwrap());
    let report = next(&told);
    assert!(failure(&report).contains("text file"), "{report:?}");
    is_version(&context, 2).await;

    drop(watch);
    place.put(ONE);
    // The sender goes with the thread.
    let ended = told.recv_timeout(PATIENCE);
    assert!(matches!(ended, Err(RecvTimeoutError::Disconnected)));
    is_version(&context, 2).await;
}

/// Guards that what has not settled is left alone, as it may not be whole.
#[test]
fn a_watch_that_is_dropped_while_a_change_settles() {
    let place = Place::with(ONE);
    let host = place.load("");
    let (tell, told) = mpsc::channel();
    let settles = Duration::from_secs(30);
    let watch = host.watch(settles, move |report| drop(tell.send(report)));
    place.put(TWO);
    // Long enough for the change to be told of.
    std::thread::sleep(3 * SETTLED);
    drop(watch);
    let ended = told.recv_timeout(settles / 2);
    assert!(
        matches!(ended, Err(RecvTimeoutError::Disconnected)),
        "{ended:?}"
    );
    assert!(host.retained().is_empty());
}

/// Guards that a panic of the application's does not end the watch.
#[test]
fn a_report_that_panics() {
    let place = Place::with(ONE);
    let host = place.load("");
    let (tell, told) = mpsc::channel();
    let watch = host.watch(SETTLED, move |report| {
        tell.send(report).unwrap();
        panic!("deliberate");
    });
    for package in [TWO, ONE] {
        place.put(package);
        assert_replaced(&next(&told));
    }
    drop(watch);
}

/// Guards that the directory is watched that is there now, and not the one that was.
#[cfg(unix)]
#[tokio::test]
async fn another_directory_in_the_place_of_the_one_watched() {
    let releases = [Place::with(ONE), Place::with(TWO)];
    let folder = tempfile::tempdir().unwrap();
    let (current, aside) = (folder.path().join("current"), folder.path().join("aside"));
    // In one step, as releases are switched.
    let switch = |to: &Place| {
        std::os::unix::fs::symlink(to.path(), &aside).unwrap();
        fs::rename(&aside, &current).unwrap();
    };
    switch(&releases[0]);
    let host = PluginHost::builder().plugin_dir(&current).load().unwrap();
    let context = session(&host);
    let (_watch, told) = watched(&host);
    let edition = async || numbers(&context, "select edition()").await.unwrap();
    switch(&releases[1]);
    assert_replaced(&next(&told));
    assert_eq!(edition().await, [2]);
    releases[1].put(ONE);
    assert_replaced(&next(&told));
    assert_eq!(edition().await, [1]);

    // Renamed, and another one put there.
    let (place, successor) = (folder.path().join("place"), Place::with(TWO));
    fs::create_dir(&place).unwrap();
    fs::copy(
        releases[1].file(),
        place.join(releases[1].file().file_name().unwrap()),
    )
    .unwrap();
    let host = PluginHost::builder().plugin_dir(&place).load().unwrap();
    let context = session(&host);
    let (_watch, told) = watched(&host);
    let edition = async || numbers(&context, "select edition()").await.unwrap();
    fs::rename(&place, folder.path().join("away")).unwrap();
    fs::rename(successor.path(), &place).unwrap();
    assert_replaced(&next(&told));
    assert_eq!(edition().await, [2]);
    let name = successor.file();
    let name = name.file_name().unwrap();
    fs::copy(library(ONE), folder.path().join("new")).unwrap();
    fs::rename(folder.path().join("new"), place.join(name)).unwrap();
    assert_replaced(&next(&told));
    assert_eq!(edition().await, [1]);
}

/// Nothing is looked at before it has been quiet.
#[tokio::test]
async fn a_burst_is_one_reload_and_half_a_file_none() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let (_watch, told) = watched(&host);
    // In place, where nothing is loaded from.
    fs::remove_file(place.file()).unwrap();
    let mut file = File::create(place.file()).unwrap();
    let bytes = fs::read(library(TWO)).unwrap();
    for part in bytes.chunks(bytes.len().div_ceil(20)) {
        file.write_all(part).unwrap();
        tokio::time::sleep(SETTLED / 40).await;
    }
    drop(file);
    // Half of it may have been quiet for long on a machine that is busy; it is refused then, not loaded.
    let mut reports = Vec::new();
    loop {
        let report = told.recv_timeout(PATIENCE).unwrap().unwrap();
        let whole = matches!(
            outcome(&report),
            ReloadOutcome::Replaced { .. } | ReloadOutcome::Added { .. }
        );
        reports.push(report);
        if whole {
            break;
        }
    }
    is_version(&context, 2).await;
    assert!(reports.len() < 5, "{reports:?}");
    assert!(matches!(
        told.recv_timeout(3 * SETTLED),
        Err(RecvTimeoutError::Timeout)
    ));
}

/// A library that is touched without end keeps nothing out; what is no library is not looked at.
#[tokio::test]
async fn what_changes_without_end() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let (_watch, told) = watched(&host);
    fs::write(place.path().join("log.txt"), "noise").unwrap();
    assert!(matches!(
        told.recv_timeout(3 * SETTLED),
        Err(RecvTimeoutError::Timeout)
    ));
    let busy = place
        .path()
        .join("busy")
        .with_extension(env::consts::DLL_EXTENSION);
    let (stop, stopped) = mpsc::channel::<()>();
    let touching = std::thread::spawn(move || {
        let mut times = 0_u64;
        while stopped.recv_timeout(SETTLED / 8) == Err(RecvTimeoutError::Timeout) {
            times += 1;
            fs::write(&busy, times.to_le_bytes()).unwrap();
        }
    });
    place.put(TWO);
    loop {
        let report = told.recv_timeout(PATIENCE).unwrap().unwrap();
        let mut files = report.files.iter();
        if files.any(|file| matches!(file.outcome, ReloadOutcome::Replaced { .. })) {
            break;
        }
    }
    is_version(&context, 2).await;
    drop(stop);
    touching.join().unwrap();
}

/// Guards that the thread of a watch does not keep the host.
#[test]
fn a_watch_does_not_keep_the_host() {
    let place = Place::with(ONE);
    let host = place.load("");
    let (_watch, told) = watched(&host);
    drop(host);
    place.put(TWO);
    // The thread ends without a report, and drops what would tell.
    assert!(matches!(
        told.recv_timeout(PATIENCE),
        Err(RecvTimeoutError::Disconnected)
    ));
}
