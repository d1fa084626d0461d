//! An author's physical optimizer rules.

use std::sync::Arc;

use datafusion_common::{Result, config::ConfigOptions};
use datafusion_session::{PhysicalOptimizerContext, PhysicalOptimizerRule};

use crate::{
    abi::{
        CallError, Parcel, PhysicalHostObject, PhysicalRule, PhysicalRuleObject, Planned,
        message::{PhysicalRuleReply, PhysicalRuleRequest},
    },
    df55::{
        error::df,
        parcel::ParcelContent,
        physical::{PhysicalConnection, PluginPhysical},
        plans::{HostConnection, PluginObjects},
        settings::options_from,
    },
    sdk::{
        plans::{Own, declined},
        runtime,
    },
};

pub(super) type Physical = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

pub(super) fn object(name: &str, rule: &Physical, own: Own) -> PhysicalRuleObject {
    PhysicalRuleObject::new(PhysicalExport {
        name: name.to_owned(),
        rule: Arc::clone(rule),
        own,
    })
}

struct PhysicalExport {
    name: String,
    rule: Physical,
    own: Own,
}

/// The host, as it is asked of its functions and nodes.
#[derive(Clone)]
struct Connection(Arc<PhysicalHostObject>);

impl HostConnection for Connection {
    fn ask(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.0.ask(request)
    }
}

impl PhysicalConnection for Connection {
    fn examine(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.0.examine(request)
    }
}

impl PhysicalRule for PhysicalExport {
    fn item(&self) -> &str {
        &self.name
    }

    fn apply(&self, request: Parcel, host: PhysicalHostObject) -> Result<Planned, CallError> {
        let _entered = runtime::enter()?;
        let own = self.own.for_call();
        let host = Connection(Arc::new(host));
        let objects = PluginObjects::new(Arc::new(host.clone()), Arc::clone(&own) as _);
        let content = ParcelContent::<PhysicalRuleRequest>::read_signature(request)?;
        let options = options_from(&content.message.settings);
        let plans = PluginPhysical::new(host, objects, &options);
        let plan = df(plans.read(&content, &content.message.list))?;
        let context = Context(&options);
        let changed = df(self.rule.optimize_with_context(Arc::clone(&plan), &context))?;
        if Arc::ptr_eq(&changed, &plan) {
            return declined::<PhysicalRuleReply>();
        }
        let reply = df(plans.write(&changed, |list| PhysicalRuleReply { list: Some(list) }))?;
        Ok(own.planned(self.item(), reply))
    }
}

/// What the host's planner says of the session.
struct Context<'a>(&'a ConfigOptions);

impl PhysicalOptimizerContext for Context<'_> {
    fn config_options(&self) -> &ConfigOptions {
        self.0
    }
}
