//! A directory that is watched.

use std::{sync::mpsc, time::Duration};

use super::*;

const SETTLED: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_change_is_taken_in_and_a_failure_told() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let (tell, told) = mpsc::channel();
    let watch = host.watch(SETTLED, move |report| drop(tell.send(report)));
    let watch = watch.unwrap();
    // The file is written piece by piece; only the whole is looked at.
    place.put(TWO);
    let report = told.recv_timeout(PATIENCE).unwrap().unwrap();
    assert!(replaced(&report), "{report:?}");
    is_version(&context, 2).await;

    place.replace(|file| fs::write(file, "no library").unwrap());
    let report = told.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(report.failures().count(), 1, "{report:?}");
    is_version(&context, 2).await;

    drop(watch);
    place.put(ONE);
    assert!(told.recv_timeout(10 * SETTLED).is_err());
    is_version(&context, 2).await;
}

/// Guards that the thread of a watch does not keep the host.
#[test]
fn a_watch_does_not_keep_the_host() {
    let place = Place::with(ONE);
    let host = place.load("");
    let (tell, told) = mpsc::channel();
    let watch = host.watch(SETTLED, move |report| drop(tell.send(report)));
    let _watch = watch.unwrap();
    drop(host);
    place.put(TWO);
    // The thread ends without a report, and drops what would tell.
    assert!(matches!(
        told.recv_timeout(PATIENCE),
        Err(mpsc::RecvTimeoutError::Disconnected)
    ));
}
