//! What a loaded rule costs, beside the same rule linked in: on a plan without a node that it is
//! interested in, and with the plan of TPC-H query 8 carried to it and back unchanged. The latter
//! stands beside what the planning of that query takes.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "benches")]

use std::{hint::black_box, path::PathBuf, sync::Arc};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use datafusion::{
    catalog::MemTable,
    execution::SessionState,
    logical_expr::LogicalPlan,
    optimizer::OptimizerRule,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::ExecutionPlan,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, config::Config};
use fixture_rules::{Physical, Unchanged};
use tokio::runtime::Runtime;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, RecordBatchIterator,
    RegionArrow, SupplierArrow,
};

const Q8: &str = "
select o_year,
       sum(case when nation = 'BRAZIL' then volume else 0 end) / sum(volume) as mkt_share
from (select extract(year from o_orderdate) as o_year,
             l_extendedprice * (1 - l_discount) as volume,
             n2.n_name as nation
      from part, supplier, lineitem, orders, customer, nation n1, nation n2, region
      where p_partkey = l_partkey and s_suppkey = l_suppkey and l_orderkey = o_orderkey
        and o_custkey = c_custkey and c_nationkey = n1.n_nationkey
        and n1.n_regionkey = r_regionkey and r_name = 'AMERICA'
        and s_nationkey = n2.n_nationkey
        and o_orderdate between date '1995-01-01' and date '1996-12-31'
        and p_type = 'ECONOMY ANODIZED STEEL') as all_nations
group by o_year order by o_year";

/// The library of the plugin `rules`, which Cargo builds as it is among the dev-dependencies.
fn library() -> PathBuf {
    let name = format!(
        "{}fixture_rule_plugin{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    std::env::current_exe().unwrap().with_file_name(name)
}

/// A session with empty tables, and with the rules that leave plans as they are.
fn session(options: &str) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(4);
    let context = SessionContext::new_with_config(config);
    let tables: [(&str, Box<dyn RecordBatchIterator>); 7] = [
        (
            "customer",
            Box::new(CustomerArrow::new(CustomerGenerator::new(0.001, 1, 1))),
        ),
        (
            "lineitem",
            Box::new(LineItemArrow::new(LineItemGenerator::new(0.001, 1, 1))),
        ),
        (
            "nation",
            Box::new(NationArrow::new(NationGenerator::new(0.001, 1, 1))),
        ),
        (
            "orders",
            Box::new(OrderArrow::new(OrderGenerator::new(0.001, 1, 1))),
        ),
        (
            "part",
            Box::new(PartArrow::new(PartGenerator::new(0.001, 1, 1))),
        ),
        (
            "region",
            Box::new(RegionArrow::new(RegionGenerator::new(0.001, 1, 1))),
        ),
        (
            "supplier",
            Box::new(SupplierArrow::new(SupplierGenerator::new(0.001, 1, 1))),
        ),
    ];
    for (name, rows) in tables {
        let table = MemTable::try_new(Arc::clone(rows.schema()), vec![vec![]]).unwrap();
        context.register_table(name, Arc::new(table)).unwrap();
    }
    let config = format!(
        "[plugins.rules.options]\nrules = ['unchanged_optimizer', 'physical_unchanged']\n{options}"
    );
    let host = PluginHost::builder()
        .grant_every_capability()
        .config(Config::parse(&config).unwrap());
    let host = host.plugin_file(library()).load().unwrap();
    host.install(&context);
    context
}

/// The plugin's rules in a session, and plans of query 8 that they are given.
struct Measured {
    state: SessionState,
    plan: LogicalPlan,
    physical_plan: Arc<dyn ExecutionPlan>,
    rule: Arc<dyn OptimizerRule + Send + Sync>,
    physical_rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>,
}

impl Measured {
    fn new(runtime: &Runtime, options: &str) -> Self {
        let state = session(options).state();
        let plan = runtime.block_on(state.create_logical_plan(Q8)).unwrap();
        let plan = state.optimize(&plan).unwrap();
        let physical_plan = runtime.block_on(state.create_physical_plan(&plan)).unwrap();
        let mut rules = state.optimizers().iter();
        let rule = rules.find(|rule| rule.name() == "rules.unchanged_optimizer");
        let mut physical_rules = state.physical_optimizers().iter();
        let physical_rule = physical_rules.find(|rule| rule.name() == "rules.physical_unchanged");
        Self {
            rule: Arc::clone(rule.unwrap()),
            physical_rule: Arc::clone(physical_rule.unwrap()),
            plan,
            physical_plan,
            state,
        }
    }

    fn bench(&self, criterion: &mut Criterion, name: &str) {
        let mut group = criterion.benchmark_group(name);
        let twin: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(Unchanged);
        for (place, rule) in [("linked in", &twin), ("loaded", &self.rule)] {
            group.bench_function(format!("logical, {place}"), |bencher| {
                bencher.iter_batched(
                    || self.plan.clone(),
                    |plan| rule.rewrite(plan, &self.state).unwrap(),
                    BatchSize::SmallInput,
                );
            });
        }
        let twin = Physical::Unchanged.rule();
        for (place, rule) in [("linked in", &twin), ("loaded", &self.physical_rule)] {
            let options = self.state.config_options();
            group.bench_function(format!("physical, {place}"), |bencher| {
                bencher.iter(|| {
                    let plan = Arc::clone(&self.physical_plan);
                    black_box(rule.optimize(plan, options).unwrap())
                });
            });
        }
        group.finish();
    }
}

fn rules(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let uninterested = "limits = true\nnodes = ['ValuesExec']";
    Measured::new(&runtime, uninterested).bench(criterion, "plan without an interesting node");
    Measured::new(&runtime, "").bench(criterion, "plan of query 8 there and back");
    let plain = Measured::new(&runtime, uninterested);
    let mut group = criterion.benchmark_group("planning of query 8");
    group.bench_function("no rule interested", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let plan = plain.state.create_logical_plan(Q8).await.unwrap();
                plain.state.create_physical_plan(&plan).await.unwrap()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
