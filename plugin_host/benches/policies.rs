//! What the decision on a query over five tables costs, with a policy that is loaded and with the same
//! linked in.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "benches")]

use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use datafusion::{logical_expr::LogicalPlan, prelude::SessionContext};
use datafusion_plugin_api::sdk::Plugin;
use datafusion_plugin_host::{GuardedSession, PluginHost, Subject, config::Config};
use datafusion_policy_rules::Rules;

const RULES: &str = "
[[rule]]
effect = 'deny'
tables = ['vault', 'hr.*']
except_roles = ['keeper']
[[rule]]
effect = 'deny'
tables = ['t4']
columns = ['secret']
[[rule]]
effect = 'deny'
functions = ['sha256']
[[rule]]
effect = 'deny'
settings = ['datafusion.runtime.*']
";

const QUERY: &str = "
select t0.a, sum(t1.b) as b, max(t2.c) from t0
join t1 on t0.a = t1.a join t2 on t1.a = t2.a join t3 on t2.a = t3.a join t4 on t3.a = t4.a
where t0.b > 1 and t4.c < 10 group by t0.a order by b";

/// The library of the plugin `policy`, which Cargo builds as it is among the dev-dependencies.
fn library() -> PathBuf {
    let name = format!(
        "{}datafusion_plugin_policy{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    std::env::current_exe().unwrap().with_file_name(name)
}

fn linked_in() -> PluginHost {
    let plugin = Plugin::new().policy("rules", Rules::of_toml(RULES).unwrap());
    let host = PluginHost::builder()
        .grant_every_capability()
        .linked_policies("policy", plugin.into_instance().unwrap());
    host.load().unwrap()
}

fn loaded() -> PluginHost {
    let config = format!("[plugins.policy]\noptions = {{ text = '''{RULES}''' }}");
    let host = PluginHost::builder()
        .grant_every_capability()
        .config(Config::parse(&config).unwrap());
    host.plugin_file(library()).load().unwrap()
}

struct Measured {
    context: SessionContext,
    plan: LogicalPlan,
}

impl Measured {
    async fn new() -> Self {
        let context = SessionContext::new();
        for table in 0..5 {
            let columns = "a int, b int, c int, d varchar, e varchar, f double, g int, h int";
            let sql = format!("create table t{table} ({columns}, secret int)");
            context.sql(&sql).await.unwrap().collect().await.unwrap();
        }
        let plan = context.state().create_logical_plan(QUERY).await.unwrap();
        Self { context, plan }
    }

    fn guarded(&self, host: &PluginHost) -> GuardedSession {
        host.guarded(&self.context, Subject::user("ann").with_role("agent"))
    }
}

fn decisions(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let measured = runtime.block_on(Measured::new());
    let mut group = criterion.benchmark_group("decision over 5 tables");
    // What DataFusion itself takes to accept the plan; the others have it in them.
    group.bench_function("none", |bencher| {
        bencher.iter(|| {
            let plan = measured.plan.clone();
            runtime
                .block_on(measured.context.execute_logical_plan(plan))
                .unwrap()
        });
    });
    for (name, host) in [("linked in", linked_in()), ("loaded", loaded())] {
        let session = measured.guarded(&host);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let plan = measured.plan.clone();
                runtime
                    .block_on(session.execute_logical_plan(plan))
                    .unwrap()
            });
        });
        group.bench_function(format!("{name}, from SQL"), |bencher| {
            bencher.iter(|| runtime.block_on(session.sql(QUERY)).unwrap());
        });
    }
    group.bench_function("none, from SQL", |bencher| {
        bencher.iter(|| runtime.block_on(measured.context.sql(QUERY)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
