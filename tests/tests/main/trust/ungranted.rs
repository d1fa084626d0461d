//! Kinds that are not granted: nothing of them is in a session, and the report says so.

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::{InstallReport, ItemKind, PluginHost, trust::Grant};
use plugin_tests::plugins::plugin;

/// A plugin with an item of each kind that has to be granted, in a session of its own.
fn installed(granted: &str) -> (SessionContext, InstallReport) {
    let mut builder = PluginHost::builder().plugin_file(plugin("fixture-blocking"));
    if !granted.is_empty() {
        builder = builder.grant("blocking", Grant::from_name(granted));
    }
    let context = SessionContext::new();
    let report = builder.load().unwrap().install(&context);
    (context, report)
}

/// What a session has of each kind.
fn in_session(context: &SessionContext, kind: ItemKind) -> usize {
    let state = context.state();
    match kind {
        ItemKind::Catalog => context.catalog_names().len(),
        ItemKind::RelationPlanner => state.relation_planners().len(),
        ItemKind::ExprPlanner => state.expr_planners().len(),
        _ => unreachable!(),
    }
}

#[tokio::test]
async fn catalogs_and_planners_are_not_installed_unless_granted() {
    let bare = SessionContext::new();
    let (ungranted, report) = installed("");
    let answers = async |context: &SessionContext, sql: &str| {
        context
            .sql("create or replace view x as select 1")
            .await
            .unwrap();
        context.sql(sql).await.is_ok()
    };
    for (name, kind, needs_it) in [
        (
            "catalog_provider",
            ItemKind::Catalog,
            Some("select * from blocking_catalog.s.writes"),
        ),
        (
            "relation_planner",
            ItemKind::RelationPlanner,
            Some("select * from outer_x a, x b"),
        ),
        ("expr_planner", ItemKind::ExprPlanner, None),
    ] {
        let refused: Vec<_> = report
            .refused()
            .filter(|(_, refused)| refused.capability.kind.name() == name)
            .collect();
        let [(plugin, refused)] = refused.as_slice() else {
            panic!("{name}: {report:?}");
        };
        let reason = refused.reason.to_string();
        assert_eq!(*plugin, "blocking");
        for part in ["is not granted", "plugins.blocking.grants"] {
            assert!(reason.contains(part), "{name}: {part}: {reason}");
        }
        let has = |report: &InstallReport| {
            let mut items = report.plugins[0].items.iter();
            items.any(|item| item.kind == kind)
        };
        assert!(!has(&report), "{name}: {report:?}");
        let before = in_session(&bare, kind);
        assert_eq!(in_session(&ungranted, kind), before, "{name}");

        let (granted, report) = installed(name);
        assert!(has(&report), "{name}: {report:?}");
        assert_eq!(in_session(&granted, kind), before + 1, "{name}");
        let mut refused = report.refused();
        assert!(
            refused.all(|(_, refused)| refused.capability.kind.name() != name),
            "{name}"
        );
        if let Some(sql) = needs_it {
            assert!(answers(&granted, sql).await, "{name}");
            assert!(!answers(&ungranted, sql).await, "{name}");
        }
    }
}
