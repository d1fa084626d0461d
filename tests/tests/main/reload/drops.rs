//! Versions whose authors have them block when they are dropped.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// While it is closed, no version is dropped to its end. It is opened however the test ends.
struct Gate(PathBuf);

impl Gate {
    fn closed(place: &Place) -> Self {
        let gate = place.path().join("gate");
        fs::write(&gate, "").unwrap();
        Self(gate)
    }

    fn options(&self) -> String {
        format!(
            "[plugins.changing.options]\ngate = '{}'\n",
            self.0.display()
        )
    }

    fn open(&self) {
        drop(fs::remove_file(&self.0));
    }

    /// Waits until a version has been dropped.
    fn is_passed(&self) {
        let begun = Instant::now();
        while !self.0.with_extension("passed").exists() {
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// A reload, which has to come back.
    fn reload(&self, host: &PluginHost) -> ReloadReport {
        let (tell, told) = mpsc::channel();
        let host = host.clone();
        thread::spawn(move || tell.send(host.reload().unwrap()));
        let report = told.recv_timeout(PATIENCE);
        report.expect("the reload waits for a drop")
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

/// The gate comes last: it is to open before what waits for it is dropped.
fn load(place: &Place, config: &str, every: bool) -> (PluginHost, SessionContext, Gate) {
    let gate = Gate::closed(place);
    let builder = place.builder(&format!("{}{config}", gate.options()));
    let builder = match every {
        true => builder.grant_every_capability(),
        false => builder,
    };
    let host = builder.load().unwrap();
    let context = session(&host);
    (host, context, gate)
}

/// Guards that a version is dropped on a thread of its own, which may wait: reloads go on, and so do sessions.
#[tokio::test]
async fn an_old_version_that_blocks_keeps_no_reload_waiting() {
    let place = Place::with(ONE);
    let (host, context, gate) = load(&place, "", false);
    for (package, version) in [(TWO, 2), (ONE, 1), (TWO, 2)] {
        place.put(package);
        assert_replaced(&gate.reload(&host));
        is_version(&context, version).await;
    }
    fs::remove_file(place.file()).unwrap();
    let report = gate.reload(&host);
    assert!(
        matches!(outcome(&report), ReloadOutcome::Removed { .. }),
        "{report:?}"
    );
    assert!(!gate.0.with_extension("passed").exists());
    gate.open();
    gate.is_passed();
}

/// The same of a version that a session alone still has.
#[tokio::test]
async fn nor_does_one_that_a_session_had_kept() {
    let place = Place::with(ONE);
    let (host, context, gate) = load(&place, "", false);
    numbers(&context, "prepare p as select edition()")
        .await
        .unwrap();
    place.put(TWO);
    assert_eq!(gate.reload(&host).behind.len(), 1);
    numbers(&context, "deallocate p").await.unwrap();
    for _ in 0..2 {
        let report = gate.reload(&host);
        assert_eq!((report.sessions, report.behind.len()), (1, 0), "{report:?}");
    }
    is_version(&context, 2).await;
    assert!(!gate.0.with_extension("passed").exists());
    gate.open();
    gate.is_passed();
}

/// The same of a version that was activated and then refused.
#[tokio::test(flavor = "multi_thread")]
async fn nor_does_one_that_is_refused() {
    let place = Place::with(ONE);
    let (host, context, gate) = load(&place, "lax = 2", true);
    place.put(TWO);
    for _ in 0..2 {
        let report = gate.reload(&host);
        let problem = failure(&report);
        assert!(problem.contains("has no policy 'guarding'"), "{problem}");
    }
    is_version(&context, 1).await;
    assert!(!gate.0.with_extension("passed").exists());
    gate.open();
    gate.is_passed();
}
