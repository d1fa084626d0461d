//! A plugin's analyzer and optimizer rules.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use datafusion::{
    common::{DataFusionError, Result, config::ConfigOptions, tree_node::Transformed},
    logical_expr::{InvariantLevel, LogicalPlan},
    optimizer::{AnalyzerRule, OptimizerConfig, OptimizerRule},
};
use datafusion_plugin_api::{
    abi::{
        CallError, Parcel, PlanHostObject, PlanRuleObject, Planned,
        message::{RuleDescriptor, RulePosition, RuleReply, RuleRequest, RuleStage, Uncarried},
    },
    df55::{
        error::from_call_error,
        parcel::ParcelContent,
        plans::{HostObjects, HostPlans, PlanWriter, read_plans},
        rules::NodeKinds,
        settings::settings_of,
    },
};

use super::{
    origin::Origin,
    planner::{PlannedFunctions, blame},
};

/// Numbers that a rule may give to aliases in one call; no query of the host's own comes near them.
const ALIASES: usize = 1 << 20;

/// A rule of a plugin. One object serves all sessions.
#[derive(Debug)]
pub(crate) struct PluginRule {
    origin: Origin,
    object: PlanRuleObject,
    descriptor: RuleDescriptor,
    /// The plugin's name and the rule's.
    name: String,
    interests: Option<NodeKinds>,
}

impl PluginRule {
    pub(crate) fn new(origin: Origin, object: PlanRuleObject, descriptor: &RuleDescriptor) -> Self {
        Self {
            name: format!("{}.{}", origin.plugin().name(), descriptor.name),
            interests: descriptor.interests.as_deref().map(NodeKinds::named),
            descriptor: descriptor.clone(),
            origin,
            object,
        }
    }

    pub(crate) fn stage(&self) -> RuleStage {
        self.descriptor.stage
    }

    pub(crate) fn position(&self) -> &RulePosition {
        &self.descriptor.position
    }

    /// The plan as the rule would have it; nothing when it stays.
    fn rewritten(
        &self,
        plan: &LogicalPlan,
        options: &ConfigOptions,
        started: Option<i64>,
    ) -> Result<Option<LogicalPlan>> {
        if let Some(interests) = self.interests
            && !interests.are_in(plan)?
        {
            return Ok(None);
        }
        let since = Instant::now();
        let own = Arc::new(OnceLock::new());
        let objects = HostObjects::new(PlannedFunctions {
            origin: self.origin.clone(),
            objects: Arc::clone(&own),
        });
        let request = match self.request(plan, options, started, &objects) {
            Ok(request) => request,
            Err(error) => return self.uncarried(error),
        };
        let host = PlanHostObject::new(HostPlans(Arc::clone(&objects)));
        let Planned {
            reply,
            objects: lent,
        } = self
            .object
            .apply(request, host)
            .map_err(|error| self.origin.error(error))?;
        if let Some(lent) = lent.into_option() {
            let _ = own.set(lent);
        }
        let rewritten = self.read(reply, plan, &objects);
        self.origin.metrics().called(0, since);
        rewritten.map_err(|error| blame(&self.origin, &error))
    }

    fn request(
        &self,
        plan: &LogicalPlan,
        options: &ConfigOptions,
        started: Option<i64>,
        objects: &HostObjects,
    ) -> Result<Parcel> {
        static NEXT_ALIAS: AtomicUsize = AtomicUsize::new(ALIASES);
        let mut writer = PlanWriter::new(objects);
        writer.plan(plan)?;
        writer.finish(|list| RuleRequest {
            list,
            settings: settings_of(options),
            started,
            first_alias: NEXT_ALIAS.fetch_add(ALIASES, Ordering::Relaxed),
        })
    }

    /// What becomes of a plan that cannot be carried.
    #[cold]
    fn uncarried(&self, error: DataFusionError) -> Result<Option<LogicalPlan>> {
        let (plugin, rule) = (self.origin.plugin().name(), self.origin.item());
        self.origin.metrics().failed(false);
        match self.descriptor.uncarried {
            Uncarried::Pass => {
                tracing::warn!(plugin, rule, %error, "the plan cannot be carried to the rule");
                Ok(None)
            }
            _ => Err(error.context(format!(
                "the plan cannot be carried to rule '{rule}' of plugin '{plugin}', which refuses \
                 what it has not seen"
            ))),
        }
    }

    fn read(
        &self,
        reply: Parcel,
        plan: &LogicalPlan,
        objects: &HostObjects,
    ) -> Result<Option<LogicalPlan>> {
        let reply = ParcelContent::<RuleReply>::read(reply).map_err(from_call_error)?;
        let Some(list) = &reply.message.list else {
            return Ok(None);
        };
        let rewritten = read_plans(&reply, list, objects)?.only_plan()?;
        rewritten.check_invariants(InvariantLevel::Always)?;
        let (found, expected) = (rewritten.schema(), plan.schema());
        if !found.logically_equivalent_names_and_types(expected) {
            return Err(from_call_error(CallError::contract(format!(
                "a plan of the columns {found}, where {expected} is to stay"
            ))));
        }
        Ok(Some(rewritten))
    }
}

impl AnalyzerRule for PluginRule {
    fn name(&self) -> &str {
        &self.name
    }

    fn analyze(&self, plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = self.rewritten(&plan, options, None)?;
        Ok(rewritten.unwrap_or(plan))
    }
}

impl OptimizerRule for PluginRule {
    fn name(&self) -> &str {
        &self.name
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let started = config
            .query_execution_start_time()
            .and_then(|time| time.timestamp_nanos_opt());
        match self.rewritten(&plan, &config.options(), started)? {
            Some(rewritten) => Ok(Transformed::yes(rewritten)),
            None => Ok(Transformed::no(plan)),
        }
    }
}
