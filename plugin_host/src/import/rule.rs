//! A plugin's analyzer, optimizer and physical optimizer rules.

mod physical;

pub(crate) use physical::PluginPhysicalRule;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use datafusion::{
    common::{DataFusionError, Result, config::ConfigOptions, tree_node::Transformed},
    logical_expr::{InvariantLevel, LogicalPlan},
    optimizer::{AnalyzerRule, OptimizerConfig, OptimizerRule},
};
use datafusion_plugin_api::{
    abi::{
        CallError, Parcel, PlanHostObject, PlanRuleObject, Planned,
        message::{
            RuleDescriptor, RulePosition, RuleReply, RuleRequest, RuleStage, Settings, Uncarried,
        },
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
    metrics::Fault,
    origin::Origin,
    planner::{Answering, PlanCall, blame},
    settings::settings,
};

/// Numbers that a rule may give to aliases in one call; no query of the host's own comes near them.
const ALIASES: usize = 1 << 20;

/// A rule of a plugin. One object serves all sessions.
#[derive(Debug)]
pub(crate) struct PluginRule {
    origin: Origin,
    object: Arc<PlanRuleObject>,
    descriptor: RuleDescriptor,
    /// The plugin's name and the rule's.
    name: String,
    interests: Option<NodeKinds>,
}

impl PluginRule {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn new(origin: Origin, object: PlanRuleObject, descriptor: &RuleDescriptor) -> Self {
        Self {
            name: format!("{}.{}", origin.plugin().name(), descriptor.name),
            interests: descriptor.interests.as_deref().map(NodeKinds::named),
            descriptor: descriptor.clone(),
            origin,
            object: Arc::new(object),
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
        settings: impl FnOnce() -> Settings,
        started: Option<i64>,
    ) -> Result<Option<LogicalPlan>> {
        if let Some(interests) = self.interests
            && !interests.are_in(plan)?
        {
            return Ok(None);
        }
        let call = PlanCall::new(&self.origin);
        let host = PlanHostObject::new(Answering(HostPlans(Arc::clone(&call.objects))));
        asked(
            &self.origin,
            &self.descriptor,
            || self.request(plan, settings(), started, &call.objects),
            |request| {
                let apply = |rule: &PlanRuleObject, (request, host)| rule.apply(request, host);
                self.origin.plan(&self.object, apply, (request, host))
            },
            |planned| self.read(call.reply(planned), plan, &call.objects),
        )
    }

    fn request(
        &self,
        plan: &LogicalPlan,
        settings: Settings,
        started: Option<i64>,
        objects: &HostObjects,
    ) -> Result<Parcel> {
        static NEXT_ALIAS: AtomicUsize = AtomicUsize::new(ALIASES);
        let mut writer = PlanWriter::new(objects);
        writer.plan(plan)?;
        writer.finish(|list| RuleRequest {
            list,
            settings,
            started,
            first_alias: NEXT_ALIAS.fetch_add(ALIASES, Ordering::Relaxed),
        })
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

/// What a rule makes of the plan in `request`, which `read` takes from its answer; nothing when the plan
/// stays, or passes the rule.
fn asked<P>(
    origin: &Origin,
    descriptor: &RuleDescriptor,
    request: impl FnOnce() -> Result<Parcel>,
    apply: impl FnOnce(Parcel) -> std::result::Result<Planned, CallError>,
    read: impl FnOnce(Planned) -> Result<Option<P>>,
) -> Result<Option<P>> {
    if let Err(refusal) = origin.admit() {
        return quarantined(origin, descriptor, origin.error(refusal)).map(|()| None);
    }
    let request = match request() {
        Ok(request) => request,
        Err(error) => return uncarried(origin, descriptor, error).map(|()| None),
    };
    let begun = origin.begin();
    let rewritten = apply(request)
        .map_err(|error| origin.error(error))
        .and_then(|planned| read(planned).map_err(|error| blame(origin, &error)));
    origin.end(begun, 0, 0);
    rewritten
}

/// What becomes of a plan while the plugin is in quarantine: the same as of one that cannot be carried.
#[cold]
fn quarantined(
    origin: &Origin,
    descriptor: &RuleDescriptor,
    refusal: DataFusionError,
) -> Result<()> {
    match descriptor.uncarried {
        Uncarried::Pass => {
            origin.tell(&refusal);
            Ok(())
        }
        _ => Err(refusal),
    }
}

/// What becomes of a plan that cannot be carried.
#[cold]
fn uncarried(origin: &Origin, descriptor: &RuleDescriptor, error: DataFusionError) -> Result<()> {
    let (plugin, rule) = (origin.plugin().name(), origin.item());
    origin.metrics().failed(Fault::Uncarried);
    match descriptor.uncarried {
        Uncarried::Pass => {
            tracing::warn!(plugin, rule, %error, "the plan cannot be carried to the rule");
            Ok(())
        }
        _ => Err(error.context(format!(
            "the plan cannot be carried to rule '{rule}' of plugin '{plugin}', which refuses \
             what it has not seen"
        ))),
    }
}

impl AnalyzerRule for PluginRule {
    fn name(&self) -> &str {
        &self.name
    }

    fn analyze(&self, plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = self.rewritten(&plan, || settings_of(options), None)?;
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
        let settings = || Settings::clone(&settings(&config.options()));
        match self.rewritten(&plan, settings, started)? {
            Some(rewritten) => Ok(Transformed::yes(rewritten)),
            None => Ok(Transformed::no(plan)),
        }
    }
}
