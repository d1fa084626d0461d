//! Which sessions have the new version.

use std::sync::Weak;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion_plugin_host::Subject;

use super::*;

#[tokio::test]
async fn new_queries_use_the_new_version_and_old_names_go() {
    let place = Place::with(ONE);
    let host = place.load("");
    let sessions = [session(&host), session(&host)];
    for context in &sessions {
        is_version(context, 1).await;
    }
    for (package, version) in [(TWO, 2), (ONE, 1), (TWO, 2)] {
        place.put(package);
        let report = host.reload().unwrap();
        assert_replaced(&report);
        assert_eq!(report.sessions, 2);
        for context in &sessions {
            is_version(context, version).await;
        }
        // A session that comes later, and installing again.
        let later = session(&host);
        is_version(&later, version).await;
        assert!(host.install(&sessions[0]).is_unchanged());
    }
}

#[tokio::test]
async fn sessions_of_builders_and_of_other_sessions() {
    let place = Place::with(ONE);
    let host = place.load("");
    let build = || {
        let builder = SessionStateBuilder::new_with_default_features();
        SessionContext::new_with_state(host.install_into(builder).0.build())
    };
    let (followed, left) = (build(), build());
    assert!(host.install(&followed).is_unchanged());
    place.put(TWO);
    assert_eq!(host.reload().unwrap().sessions, 1);
    is_version(&followed, 2).await;
    is_version(&left, 1).await;
    // What is installed later takes all that is old out.
    host.install(&left);
    is_version(&left, 2).await;
    // A session of another one's state.
    let state = SessionStateBuilder::new_from_existing(followed.state()).build();
    let copied = SessionContext::new_with_state(state);
    place.put(ONE);
    host.reload().unwrap();
    is_version(&followed, 1).await;
    is_version(&left, 1).await;
    assert_eq!(numbers(&copied, "select edition()").await.unwrap(), [2]);
    host.install(&copied);
    is_version(&copied, 1).await;
    is_version(&build(), 1).await;
}

#[tokio::test]
async fn guarded_sessions() {
    let place = Place::with(ONE);
    let host = place.load("");
    let guarded = host.guarded(&session(&host), Subject::default());
    let told = async || {
        let batches = guarded.sql("select edition() + version from changing.versions limit 1");
        let batches = batches.await.unwrap().collect().await.unwrap();
        batches[0].column(0).as_primitive::<Int64Type>().value(0)
    };
    for (package, version) in [(TWO, 2), (ONE, 1)] {
        place.put(package);
        assert_replaced(&host.reload().unwrap());
        assert_eq!(told().await, 2 * version);
    }
}

#[tokio::test]
async fn dropped_sessions_and_old_versions_are_not_kept() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let (kept, dropped) = (session(&host), Arc::downgrade(&context.state_ref()));
    let old = Arc::downgrade(&host.plugins()[0]);
    drop(context);
    assert!(Weak::upgrade(&dropped).is_none());
    place.put(TWO);
    assert_eq!(host.reload().unwrap().sessions, 1);
    assert!(old.upgrade().is_none(), "the old version is kept");
    is_version(&kept, 2).await;
}

/// Guards the order in which planners are asked: it is that of the installation.
#[tokio::test]
async fn what_stands_beside_stays_where_it_is() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    // The application's own, which stands before.
    let own = tempfile::tempdir().unwrap();
    let planners = plugin("fixture-planner-plugin");
    fs::copy(&planners, own.path().join(planners.file_name().unwrap())).unwrap();
    let other = PluginHost::builder()
        .plugin_dir(own.path())
        .grant_every_capability()
        .load()
        .unwrap();
    other.install(&context);
    let order = || {
        let state = context.state();
        let relations = state
            .relation_planners()
            .iter()
            .map(|planner| format!("{planner:?}"));
        let rules = state.optimizers().iter().map(|rule| rule.name().to_owned());
        let analyzer = state
            .analyzer()
            .rules
            .iter()
            .map(|rule| rule.name().to_owned());
        let physical = state
            .physical_optimizers()
            .iter()
            .map(|rule| rule.name().to_owned());
        let places = relations.map(|text| text.contains("planned"));
        let rules = rules.chain(analyzer).chain(physical).collect::<Vec<_>>();
        (places.collect::<Vec<_>>(), rules)
    };
    let before = order();
    place.put(TWO);
    assert_replaced(&host.reload().unwrap());
    assert_eq!(order(), before);
    is_version(&context, 2).await;
    // The other host's go their own way.
    assert!(other.reload().unwrap().is_unchanged());
}

/// Prepared statements keep the version that they were planned with; what cannot be exchanged without losing them
/// is not.
#[tokio::test]
async fn prepared_statements_are_not_lost() {
    let place = Place::with(ONE);
    let host = place.load("");
    let (with, without) = (session(&host), session(&host));
    let run = async |sql: &str| numbers(&with, sql).await.unwrap();
    run("prepare p as select edition()").await;
    place.put(TWO);
    let report = host.reload().unwrap();
    assert_eq!((report.sessions, report.behind.len()), (1, 1), "{report:?}");
    assert!(
        report.behind[0].contains("has prepared statements"),
        "{report:?}"
    );
    is_version(&without, 2).await;
    is_version(&with, 1).await;
    assert_eq!(run("execute p").await, [1]);
    // Installing does no more than a reload.
    let left_out = host.install(&with);
    assert!(!left_out.is_unchanged());
    is_version(&with, 1).await;
    // It catches up once they are gone, though nothing else has changed.
    run("deallocate p").await;
    let report = host.reload().unwrap();
    assert!(
        report.is_unchanged() && report.behind.is_empty(),
        "{report:?}"
    );
    assert_eq!(report.sessions, 2);
    is_version(&with, 2).await;
    assert!(host.install(&with).is_unchanged());

    // Without planners and rules nothing is in the way.
    let place = Place::with(ONE);
    let host = PluginHost::builder()
        .plugin_dir(place.path())
        .load()
        .unwrap();
    let context = session(&host);
    let run = async |sql: &str| numbers(&context, sql).await.unwrap();
    run("prepare p as select edition()").await;
    place.put(TWO);
    assert_replaced(&host.reload().unwrap());
    assert_eq!(run("execute p").await, [1]);
    assert_eq!(run("select edition()").await, [2]);
    run("deallocate p").await;
    run("prepare p as select edition()").await;
    assert_eq!(run("execute p").await, [2]);
}
