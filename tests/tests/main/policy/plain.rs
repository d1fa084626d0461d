//! A plain session, guarded as far as DataFusion lets it be.

use std::sync::Arc;

use datafusion::{
    datasource::MemTable,
    execution::SessionStateBuilder,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PolicyRefusal, Subject};

use super::{session::rows, standard, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn installing_twice_restricts_once() {
    let world = World::new().await;
    for (name, host) in standard() {
        let context = SessionContext::new_with_state(world.owner.state());
        for _ in 0..2 {
            host.install(&context);
        }
        let rules = context.state().analyzer().rules.len();
        host.install(&context);
        assert_eq!(context.state().analyzer().rules.len(), rules, "{name}");
        let found = context.sql("select name, ssn from staff").await.unwrap();
        assert_eq!(
            rows(&found.collect().await.unwrap()),
            "Ann|***\nBob|***",
            "{name}"
        );
        // A guarded session over it does not restrict a second time either.
        let guarded = host.guarded(&context, Subject::user("eve"));
        let found = guarded.sql("select count(*) from events").await.unwrap();
        assert_eq!(rows(&found.collect().await.unwrap()), "3", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_frames_are_guarded() {
    let world = World::new().await;
    let [(_, host), _] = standard();
    let context = SessionContext::new_with_state(world.owner.state());
    host.install_for(&context, &Subject::user("eve"));
    let frame = context.table("staff").await.unwrap();
    let cached = frame.clone().cache().await.unwrap();
    assert_eq!(cached.count().await.unwrap(), 2);
    assert_eq!(frame.count().await.unwrap(), 2);
    let error = context.table("vault").await.unwrap_err();
    assert!(PolicyRefusal::of(&error).is_some(), "{error}");
    // The table itself, past the catalog and under no name.
    let vault = world.owner.table_provider("vault").await.unwrap();
    let error = context
        .read_table(vault)
        .unwrap()
        .collect()
        .await
        .unwrap_err();
    assert!(PolicyRefusal::of(&error).is_some(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_is_not_restricted() {
    let world = World::new().await;
    for (name, host) in standard() {
        let context = SessionContext::new_with_state(world.owner.state());
        host.install_for(&context, &Subject::user("kim").with_role("keeper"));
        let found = context.sql("select count(*) from vault").await.unwrap();
        assert_eq!(rows(&found.collect().await.unwrap()), "2", "{name}");
        let guarded = host.guarded(&world.owner, Subject::user("kim").with_role("keeper"));
        let found = guarded.sql("select count(*) from staff").await.unwrap();
        assert_eq!(rows(&found.collect().await.unwrap()), "4", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_built_session_is_guarded() {
    let world = World::new().await;
    let [(_, host), _] = standard();
    let config = SessionConfig::new().with_information_schema(true);
    let builder = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features();
    let (builder, _) = host.install_into(builder);
    let context = SessionContext::new_with_state(builder.build());
    let staff = world.owner.table("staff").await.unwrap();
    let schema = Arc::new(staff.schema().as_arrow().clone());
    let batches = staff.collect_partitioned().await.unwrap();
    let table = MemTable::try_new(schema, batches).unwrap();
    context.register_table("staff", Arc::new(table)).unwrap();
    let found = context
        .sql("select count(*), max(pay) from staff")
        .await
        .unwrap();
    assert_eq!(rows(&found.collect().await.unwrap()), "2|0");
}
