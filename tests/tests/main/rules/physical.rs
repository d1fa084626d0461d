//! Physical optimizer rules do in a plugin what they do linked in; those that misbehave are named.

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema},
    error::DataFusionError,
    physical_plan::{ExecutionPlan, displayable},
};
use datafusion_plugin_host::MetricsSnapshot;
use fixture_rules::Physical;

use super::*;

const QUERIES: &[&str] = &[
    "select * from numbers order by n",
    "select n % 3 as k, count(*), sum(n), avg(n) from numbers group by n % 3 order by k",
    "select count(distinct n) filter (where n > 2) from numbers",
    "select word from some order by word limit 4",
    "select a.n, b.word from numbers a join pairs b on a.n = b.n where a.n > 2 order by 1",
    "select a.n, b.n from numbers a join pairs b on a.n < b.n - 6 order by 1, 2",
    "select n from numbers where exists (select 1 from pairs where pairs.n = numbers.n + 1) order by n",
    "select n, sum(n) over (order by n rows 2 preceding), row_number() over (order by n desc) from numbers order by n",
    "select n from numbers where n > (select avg(n) from pairs) order by n",
    "select n from numbers union all select n + 1 from pairs order by n",
    "select unnest([n, n + 1]) as m from numbers where n < 3 order by m",
    "select upper(word) as w from pairs where word like '%1%' order by w",
    "select 1 as n",
];

/// A session that is built with the rule linked in.
fn linked_in(rule: Physical) -> SessionContext {
    let builder = SessionStateBuilder::new()
        .with_config(config())
        .with_default_features()
        .with_physical_optimizer_rule(rule.rule());
    SessionContext::new_with_state(builder.build())
}

fn loaded(rule: Physical, options: &str) -> SessionContext {
    with_rules(&[rule.name()], options)
}

/// As [`loaded`], with the host, which has the rule's counters.
fn hosted(rules: &[&str], options: &str) -> (PluginHost, SessionContext) {
    let (host, context) = (host(rules, options), session());
    host.install(&context);
    (host, context)
}

async fn physical(context: &SessionContext, sql: &str) -> Arc<dyn ExecutionPlan> {
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await;
    plan.unwrap()
}

/// The lines of a plan.
async fn shown(context: &SessionContext, sql: &str) -> String {
    let plan = physical(context, sql).await;
    displayable(plan.as_ref()).indent(true).to_string()
}

fn counted(host: &PluginHost, rule: &str) -> MetricsSnapshot {
    let metrics = host.metrics();
    let item = metrics.iter().find(|measured| measured.item == rule);
    item.unwrap().metrics
}

#[tokio::test]
async fn rules_change_plans_as_they_do_linked_in() {
    for rule in Physical::WELL {
        let twin = with_tables(linked_in(rule)).await;
        let plain = with_tables(session()).await;
        let (host, context) = hosted(&[rule.name()], "policy = true");
        let context = with_tables(context).await;
        let mut changed = 0;
        for sql in QUERIES {
            let expected = shown(&twin, sql).await;
            assert_eq!(
                shown(&context, sql).await,
                expected,
                "{}: {sql}",
                rule.name()
            );
            changed += usize::from(expected != shown(&plain, sql).await);
            if rule != Physical::Unsorted && rule != Physical::Thinned {
                let expected = rows(&twin, sql).await.unwrap();
                let found = rows(&context, sql).await.unwrap();
                assert_eq!(found, expected, "{}: {sql}", rule.name());
            }
        }
        let unseen = [Physical::Unchanged, Physical::Rebuilt].contains(&rule);
        assert_eq!(changed == 0, unseen, "{}", rule.name());
        let counted = counted(&host, rule.name());
        assert!(counted.calls > 0, "{}", rule.name());
        assert_eq!(counted.errors, 0, "{}", rule.name());
    }
}

#[tokio::test]
async fn settings_reach_the_rule() {
    let context = with_tables(loaded(Physical::Limited, "")).await;
    let all = rows(&context, "select n from numbers").await.unwrap();
    assert_eq!(all.matches("| ").count(), 11, "{all}");
    let sql = "set datafusion.execution.batch_size = 3";
    context.sql(sql).await.unwrap().collect().await.unwrap();
    let few = rows(&context, "select n from numbers").await.unwrap();
    assert_eq!(few.matches("| ").count(), 4, "{few}");
}

#[tokio::test]
async fn rules_stand_where_they_ask_to() {
    let names = |context: &SessionContext| -> Vec<String> {
        let state = context.state();
        let rules = state.physical_optimizers().iter();
        rules.map(|rule| rule.name().to_owned()).collect()
    };
    let own = "rules.physical_limited";
    let last = names(&loaded(Physical::Limited, ""));
    assert_eq!(last.last().unwrap(), own);
    let first = names(&loaded(Physical::Limited, "first = true"));
    assert_eq!(first[0], own);
    let beside = names(&loaded(Physical::Limited, "before = 'SanityCheckPlan'"));
    let place = beside.iter().position(|name| name == own).unwrap();
    assert_eq!(beside[place + 1], "SanityCheckPlan", "{beside:?}");
}

#[tokio::test]
async fn a_missing_neighbour_is_reported() {
    let context = session();
    let host = host(&["even", "physical_limited"], "before = 'type_coercion'");
    let report = host.install(&context);
    let missing = |name: &str| {
        let items = report.plugins.iter().flat_map(|plugin| &plugin.items);
        let mut items = items.filter(|item| item.name == name);
        items.next().unwrap().missing_neighbour.clone()
    };
    assert_eq!(missing("rules.even"), None);
    let wanted = Some("type_coercion".to_owned());
    assert_eq!(missing("rules.physical_limited"), wanted);
    let state = context.state();
    let last = state.physical_optimizers().last().unwrap();
    assert_eq!(last.name(), "rules.physical_limited");
}

#[tokio::test]
async fn a_builder_takes_rules_once() {
    let host = host(&["physical_limited"], "");
    let builder = SessionStateBuilder::new().with_default_features();
    let (builder, _) = host.install_into(builder);
    let (builder, report) = host.install_into(builder);
    let items = report.plugins.iter().flat_map(|plugin| &plugin.items);
    assert!(items.into_iter().all(|item| item.unchanged), "{report:?}");
    let state = builder.build();
    let rules = state.physical_optimizers().iter();
    let own = rules.filter(|rule| rule.name() == "rules.physical_limited");
    assert_eq!(own.count(), 1);
}

#[tokio::test]
async fn a_plan_without_interesting_nodes_is_not_carried() {
    let (host, context) = hosted(&["physical_unchanged"], "nodes = ['FilterExec']");
    let context = with_tables(context).await;
    let calls = || counted(&host, "physical_unchanged").calls;
    let before = calls();
    rows(&context, "select n from pairs order by n")
        .await
        .unwrap();
    assert_eq!(calls(), before);
    rows(&context, "select n from pairs where n > 2")
        .await
        .unwrap();
    assert!(calls() > before);
}

async fn failure(context: &SessionContext, rule: &str) -> DataFusionError {
    let sql = format!("select n as trouble_{rule} from numbers");
    rows(context, &sql).await.unwrap_err()
}

#[tokio::test]
async fn what_a_rule_does_wrong_is_an_error_that_names_it() {
    let (host, context) = hosted(&["physical_ill"], "");
    let context = with_tables(context).await;
    for (rule, part) in [
        ("physical_panics", "the rule gives up at"),
        ("physical_fails", "the rule has nothing left"),
        ("physical_other_schema", "is to stay"),
        ("physical_twice", "came back twice"),
        (
            "physical_own_node",
            "'OwnExec' is a node that cannot be carried",
        ),
    ] {
        let message = failure(&context, rule).await.to_string();
        for part in [part, rule, "rules"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(rows(&context, "select * from numbers").await.is_ok());
    }
    assert_eq!(counted(&host, "physical_panics").panics, 1);
}

#[tokio::test]
async fn errors_keep_their_kind() {
    let context = with_tables(with_rules(&["physical_ill"], "")).await;
    let error = failure(&context, "physical_fails").await;
    let kept = matches!(error.find_root(), DataFusionError::ResourcesExhausted(_));
    assert!(kept, "{error:?}");
}

#[tokio::test]
async fn handles_of_an_earlier_call_are_refused() {
    let context = with_tables(with_rules(&["physical_ill"], "")).await;
    let rule = "physical_earlier_plan";
    let sql = format!("select n as trouble_{rule} from numbers");
    rows(&context, &sql).await.unwrap();
    let message = failure(&context, rule).await.to_string();
    for part in ["another call", rule] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// What a plugin of another build might send.
mod breaches {
    use datafusion::{common::config::ConfigOptions, physical_plan::empty::EmptyExec};
    use datafusion_plugin_api::{
        abi::message::{PhysicalList, PhysicalNode, PhysicalRuleReply, PhysicalRuleRequest},
        df55::{
            parcel::{ParcelBuilder, ParcelContent},
            physical::HostPhysical,
            plans::HostObjects,
        },
    };

    use super::*;
    use crate::main::planners::codec::Nothing;

    /// What the host says to a reply of these nodes, to a plan of one node.
    fn read(nodes: Vec<PhysicalNode>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
        let plan: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::new(schema)));
        let objects = HostObjects::new(Nothing);
        let plans = HostPhysical::new(&objects, &ConfigOptions::new());
        let sent = plans.write(&plan, |list| PhysicalRuleRequest {
            list,
            ..PhysicalRuleRequest::default()
        });
        sent.unwrap();
        let list = Some(PhysicalList {
            nodes,
            ..PhysicalList::default()
        });
        let parcel = ParcelBuilder::new().finish(&PhysicalRuleReply { list });
        let reply = ParcelContent::<PhysicalRuleReply>::read(parcel.unwrap()).unwrap();
        let made = plans.read(&reply, reply.message.list.as_ref().unwrap(), &plan)?;
        assert!(Arc::ptr_eq(&made, &plan));
        Ok(made)
    }

    fn known(known: u64) -> PhysicalNode {
        PhysicalNode {
            known: Some(known),
            ..PhysicalNode::default()
        }
    }

    #[test]
    fn a_node_comes_back_as_the_very_object() {
        read(vec![known(0)]).unwrap();
    }

    #[test]
    fn breaches_are_errors() {
        let bytes = PhysicalNode {
            bytes: Some((5, 7)),
            ..PhysicalNode::default()
        };
        let child = PhysicalNode {
            children: vec![3],
            bytes: Some((0, 0)),
            ..PhysicalNode::default()
        };
        for (nodes, part) in [
            (vec![known(7)], "unknown handle 7"),
            (vec![known(u64::MAX)], "unknown handle"),
            (vec![], "without nodes"),
            (vec![PhysicalNode::default()], "without its bytes"),
            (vec![bytes], "7 bytes of a node from 5"),
            (vec![child], "child 3 of node 0"),
        ] {
            let message = read(nodes).unwrap_err().to_string();
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
