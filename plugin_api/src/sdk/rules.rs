//! An author's analyzer, optimizer and physical optimizer rules.

mod physical;

use std::sync::Arc;

use chrono::DateTime;
use datafusion_common::{
    Result,
    alias::AliasGenerator,
    config::ConfigOptions,
    tree_node::{Transformed, TreeNodeRewriter},
};
use datafusion_expr::LogicalPlan;
use datafusion_optimizer::{AnalyzerRule, ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion_session::PhysicalOptimizerRule;

use super::{
    Plugin,
    plans::{Own, declined, objects},
    runtime,
};
use crate::{
    abi::{
        CallError, Parcel, PhysicalRuleObject, PlanHostObject, PlanRule, PlanRuleObject, Planned,
        message::{RuleDescriptor, RulePosition, RuleReply, RuleRequest, RuleStage, Uncarried},
    },
    df55::{
        error::df,
        parcel::ParcelContent,
        plans::{PlanWriter, read_plans},
        rules::NodeKind,
        settings::options_from,
    },
};

#[derive(Debug, Clone)]
enum Stage {
    Analyzer(Arc<dyn AnalyzerRule + Send + Sync>),
    Optimizer(Arc<dyn OptimizerRule + Send + Sync>),
    Physical(physical::Physical),
}

/// A rule, and where and when it is applied.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) descriptor: RuleDescriptor,
    stage: Stage,
}

impl Rule {
    /// A rule applied once, before optimization; after all that are there.
    pub fn analyzer(rule: Arc<dyn AnalyzerRule + Send + Sync>) -> Self {
        let name = rule.name().to_owned();
        Self::new(name, RuleStage::Analyzer, Stage::Analyzer(rule))
    }

    /// A rule applied in each pass of the optimizer; after all that are there.
    pub fn optimizer(rule: Arc<dyn OptimizerRule + Send + Sync>) -> Self {
        let name = rule.name().to_owned();
        Self::new(name, RuleStage::Optimizer, Stage::Optimizer(rule))
    }

    /// A rule applied once, to the physical plan; after all that are there.
    pub fn physical(rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>) -> Self {
        let name = rule.name().to_owned();
        let keeps_schema = rule.schema_check();
        let mut rule = Self::new(name, RuleStage::Physical, Stage::Physical(rule));
        rule.descriptor.keeps_schema = keeps_schema;
        rule
    }

    fn new(name: String, stage: RuleStage, rule: Stage) -> Self {
        let descriptor = RuleDescriptor {
            name,
            stage,
            position: RulePosition::Last,
            interests: None,
            policy: false,
            uncarried: Uncarried::Pass,
            keeps_schema: false,
        };
        Self {
            descriptor,
            stage: rule,
        }
    }

    /// Stands before all rules that are there.
    pub fn first(mut self) -> Self {
        self.descriptor.position = RulePosition::First;
        self
    }

    /// Stands before the rule of this name. In a session without it this one stands last, and
    /// the install's report says so.
    pub fn before(mut self, rule: impl Into<String>) -> Self {
        self.descriptor.position = RulePosition::Before(rule.into());
        self
    }

    /// Stands after the rule of this name. In a session without it this one stands last, and
    /// the install's report says so.
    pub fn after(mut self, rule: impl Into<String>) -> Self {
        self.descriptor.position = RulePosition::After(rule.into());
        self
    }

    /// Is applied to plans with a node of one of these kinds alone. Other plans are not carried to it,
    /// and cost next to nothing.
    pub fn interested_in(mut self, kinds: impl IntoIterator<Item = NodeKind>) -> Self {
        let kinds = kinds.into_iter().map(|kind| kind.name().to_owned());
        self.descriptor.interests = Some(kinds.collect());
        self
    }

    /// As [`Self::interested_in`], for a physical rule: the names of nodes, as
    /// `ExecutionPlan::name` has them.
    pub fn interested_in_nodes<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.descriptor.interests = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Enforces something: a statement whose plan cannot be carried to it is an error.
    pub fn policy(mut self) -> Self {
        self.descriptor.policy = true;
        self.descriptor.uncarried = Uncarried::Refuse;
        self
    }

    /// What becomes of a plan that cannot be carried to it: for a policy its statement is an error, for
    /// any other rule it is passed over, unless this says otherwise.
    pub fn uncarried(mut self, uncarried: Uncarried) -> Self {
        self.descriptor.uncarried = uncarried;
        self
    }

    /// The rule of a logical plan, if it is one.
    pub(super) fn object(&self, own: Own) -> Option<PlanRuleObject> {
        match &self.stage {
            Stage::Physical(_) => None,
            _ => Some(PlanRuleObject::new(RuleExport {
                rule: self.clone(),
                own,
            })),
        }
    }

    /// The rule of a physical plan, if it is one.
    pub(super) fn physical_object(&self, own: Own) -> Option<PhysicalRuleObject> {
        match &self.stage {
            Stage::Physical(rule) => Some(physical::object(&self.descriptor.name, rule, own)),
            _ => None,
        }
    }
}

impl Plugin {
    /// Exports an analyzer, optimizer or physical optimizer rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

struct RuleExport {
    rule: Rule,
    own: Own,
}

impl PlanRule for RuleExport {
    fn item(&self) -> &str {
        &self.rule.descriptor.name
    }

    fn apply(&self, request: Parcel, host: PlanHostObject) -> Result<Planned, CallError> {
        let _entered = runtime::enter()?;
        let own = self.own.for_call();
        let objects = objects(&Arc::new(host), &own);
        let content = ParcelContent::<RuleRequest>::read_signature(request)?;
        let read = df(read_plans(&content, &content.message.list, &*objects))?;
        let plan = df(read.only_plan())?;
        let Some(changed) = df(self.rule.stage.applied(plan, &content.message))? else {
            return declined::<RuleReply>();
        };
        let mut writer = PlanWriter::new(&*objects);
        df(writer.plan(&changed))?;
        let reply = df(writer.finish(|list| RuleReply { list: Some(list) }))?;
        Ok(own.planned(self.item(), reply))
    }
}

impl Stage {
    /// The plan as the rule would have it; nothing when it stays.
    fn applied(&self, plan: LogicalPlan, request: &RuleRequest) -> Result<Option<LogicalPlan>> {
        match self {
            Self::Analyzer(rule) => {
                let options = options_from(&request.settings);
                // The rule does not say whether it changed the plan.
                rule.analyze(plan, &options).map(Some)
            }
            Self::Optimizer(rule) => {
                let config = Config::new(request);
                let rewritten = match rule.apply_order() {
                    None => rule.rewrite(plan, &config)?,
                    Some(order) => plan.rewrite_with_subqueries(&mut Rewriter {
                        order,
                        rule: rule.as_ref(),
                        config: &config,
                    })?,
                };
                Ok(rewritten.transformed.then_some(rewritten.data))
            }
            // A host has no logical plan for it.
            Self::Physical(_) => Ok(None),
        }
    }
}

/// Applies a rule to every node, as DataFusion's optimizer does.
struct Rewriter<'a> {
    order: ApplyOrder,
    rule: &'a dyn OptimizerRule,
    config: &'a dyn OptimizerConfig,
}

impl TreeNodeRewriter for Rewriter<'_> {
    type Node = LogicalPlan;

    fn f_down(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match self.order {
            ApplyOrder::TopDown => self.rule.rewrite(node, self.config),
            ApplyOrder::BottomUp => Ok(Transformed::no(node)),
        }
    }

    fn f_up(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match self.order {
            ApplyOrder::TopDown => Ok(Transformed::no(node)),
            ApplyOrder::BottomUp => self.rule.rewrite(node, self.config),
        }
    }
}

/// What the host's optimizer says of the query.
struct Config {
    options: Arc<ConfigOptions>,
    aliases: Arc<AliasGenerator>,
    started: Option<DateTime<chrono::Utc>>,
}

impl Config {
    fn new(request: &RuleRequest) -> Self {
        let aliases = AliasGenerator::new();
        aliases.update_min_id(request.first_alias);
        Self {
            options: options_from(&request.settings),
            aliases: Arc::new(aliases),
            started: request.started.map(DateTime::from_timestamp_nanos),
        }
    }
}

impl OptimizerConfig for Config {
    fn query_execution_start_time(&self) -> Option<DateTime<chrono::Utc>> {
        self.started
    }

    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        &self.aliases
    }

    fn options(&self) -> Arc<ConfigOptions> {
        Arc::clone(&self.options)
    }
}
