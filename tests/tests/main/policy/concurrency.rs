//! Many sessions of many subjects at once: each sees its part.

use std::sync::Arc;

use datafusion_plugin_host::{PolicyRefusal, Subject};

use super::{
    session::rows,
    standard,
    world::{World, run},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn subjects_do_not_mix() {
    let world = World::new().await;
    for (name, host) in standard() {
        let sessions = [
            Arc::new(host.guarded(&world.owner, Subject::user("eve"))),
            Arc::new(host.guarded(&world.owner, Subject::user("kim").with_role("keeper"))),
        ];
        let tasks = (0..64).map(|task| {
            let keeper = task % 2 == 1;
            let session = Arc::clone(&sessions[task % 2]);
            tokio::task::spawn(async move {
                for round in 0..20 {
                    let found = run(&session, "select count(*) from staff").await.unwrap();
                    assert_eq!(rows(&found), if keeper { "4" } else { "2" });
                    let vault = run(&session, "select count(*) from vault").await;
                    assert_eq!(vault.is_ok(), keeper, "{vault:?}");
                    if let Err(error) = vault {
                        assert!(PolicyRefusal::of(&error).is_some(), "{error}");
                    }
                    let prepared = format!("p_{task}_{round}");
                    let sql = format!("prepare {prepared} as select max(pay) > 0 from staff");
                    run(&session, &sql).await.unwrap();
                    let found = run(&session, &format!("execute {prepared}")).await.unwrap();
                    assert_eq!(rows(&found), keeper.to_string());
                }
            })
        });
        for task in futures::future::join_all(tasks).await {
            task.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}
