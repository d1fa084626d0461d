//! A plugin's physical optimizer rules.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::ExecutionPlan,
};
use datafusion_plugin_api::{
    abi::{
        CallError, Parcel, PhysicalHostObject, PhysicalRuleObject,
        message::{PhysicalRuleReply, PhysicalRuleRequest, RuleDescriptor, RulePosition},
    },
    df55::{
        error::from_call_error, parcel::ParcelContent, physical::HostPhysical,
        settings::settings_of,
    },
};

use super::{Answering, PlanCall, asked};
use crate::import::origin::Origin;

type Plan = Arc<dyn ExecutionPlan>;

/// A physical rule of a plugin. One object serves all sessions.
#[derive(Debug)]
pub(crate) struct PluginPhysicalRule {
    origin: Origin,
    object: Arc<PhysicalRuleObject>,
    descriptor: RuleDescriptor,
    /// The plugin's name and the rule's.
    name: String,
    /// Names of nodes.
    interests: Option<HashSet<String>>,
}

impl PluginPhysicalRule {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn new(
        origin: Origin,
        object: PhysicalRuleObject,
        descriptor: &RuleDescriptor,
    ) -> Self {
        let interests = descriptor.interests.iter().flatten().cloned();
        Self {
            name: format!("{}.{}", origin.plugin().name(), descriptor.name),
            interests: descriptor.interests.is_some().then(|| interests.collect()),
            descriptor: descriptor.clone(),
            origin,
            object: Arc::new(object),
        }
    }

    pub(crate) fn position(&self) -> &RulePosition {
        &self.descriptor.position
    }

    fn is_interested_in(&self, plan: &Plan) -> Result<bool> {
        let Some(interests) = &self.interests else {
            return Ok(true);
        };
        let mut found = false;
        plan.apply(|node| {
            found = interests.contains(node.name());
            Ok(match found {
                true => TreeNodeRecursion::Stop,
                false => TreeNodeRecursion::Continue,
            })
        })?;
        Ok(found)
    }

    fn read(&self, reply: Parcel, plan: &Plan, plans: &HostPhysical) -> Result<Option<Plan>> {
        let reply = ParcelContent::<PhysicalRuleReply>::read(reply).map_err(from_call_error)?;
        let Some(list) = &reply.message.list else {
            return Ok(None);
        };
        let rewritten = plans.read(&reply, list, plan)?;
        let (found, expected) = (rewritten.schema(), plan.schema());
        let columns = |plan: &Plan| -> Vec<_> {
            let fields = plan.schema();
            let fields = fields.fields().iter();
            fields
                .map(|field| (field.name().clone(), field.data_type().clone()))
                .collect()
        };
        if self.descriptor.keeps_schema && columns(&rewritten) != columns(plan) {
            return Err(from_call_error(CallError::contract(format!(
                "a plan of the columns {found}, where {expected} is to stay"
            ))));
        }
        Ok(Some(rewritten))
    }
}

impl PhysicalOptimizerRule for PluginPhysicalRule {
    fn optimize(&self, plan: Plan, options: &ConfigOptions) -> Result<Plan> {
        if !self.is_interested_in(&plan)? {
            return Ok(plan);
        }
        let call = PlanCall::new(&self.origin);
        let plans = HostPhysical::new(&call.objects, options);
        let request = || {
            plans.write(&plan, |list| PhysicalRuleRequest {
                list,
                settings: settings_of(options),
            })
        };
        let rewritten = asked(
            &self.origin,
            &self.descriptor,
            request,
            |request| {
                let host = PhysicalHostObject::new(Answering(plans.clone()));
                let apply = |rule: &PhysicalRuleObject, (request, host)| rule.apply(request, host);
                self.origin.plan(&self.object, apply, (request, host))
            },
            |planned| self.read(call.reply(planned), &plan, &plans),
        )?;
        Ok(rewritten.unwrap_or(plan))
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn schema_check(&self) -> bool {
        self.descriptor.keeps_schema
    }
}
