//! DataFusion's one slot for a function factory.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    common::{DataFusionError, Result, not_impl_err},
    execution::{
        SessionState,
        context::{FunctionFactory, RegisterFunction},
    },
    logical_expr::CreateFunction,
};

use super::PluginFunctionFactory;
use crate::import::composed::Composed;

/// Plugins' factories in the order of their installation, then what the session had.
#[derive(Debug)]
pub(crate) struct FunctionFactories {
    plugins: Vec<Arc<PluginFunctionFactory>>,
    last: Option<Arc<dyn FunctionFactory>>,
}

static KNOWN: Composed<FunctionFactories> = Composed::new();

impl FunctionFactories {
    /// The factories of `slot`, if they are of this kind.
    pub(crate) fn of(slot: &Arc<dyn FunctionFactory>) -> Option<Arc<Self>> {
        KNOWN.find(slot)
    }

    /// A slot with each factory's successor in its place, or without it where there is none. The slot cannot be
    /// emptied: what is left may make nothing.
    pub(crate) fn exchanged(
        slot: &Arc<dyn FunctionFactory>,
        successor: impl Fn(&Arc<PluginFunctionFactory>) -> Option<Arc<PluginFunctionFactory>>,
    ) -> Arc<dyn FunctionFactory> {
        let Some(composed) = Self::of(slot) else {
            return Arc::clone(slot);
        };
        KNOWN.add(Self {
            plugins: composed.plugins.iter().filter_map(successor).collect(),
            last: composed.last.clone(),
        })
    }

    pub(crate) fn has(&self, factory: &Arc<PluginFunctionFactory>) -> bool {
        self.plugins.iter().any(|known| Arc::ptr_eq(known, factory))
    }

    /// `factories`, after those of plugins that are in `slot` and before what was there else.
    pub(crate) fn with(
        factories: Vec<Arc<PluginFunctionFactory>>,
        slot: Option<Arc<dyn FunctionFactory>>,
    ) -> Arc<dyn FunctionFactory> {
        let composed = match slot.as_ref().and_then(Self::of) {
            Some(earlier) => Self {
                plugins: earlier.plugins.iter().cloned().chain(factories).collect(),
                last: earlier.last.clone(),
            },
            None => Self {
                plugins: factories,
                last: slot,
            },
        };
        KNOWN.add(composed)
    }
}

#[async_trait]
impl FunctionFactory for FunctionFactories {
    async fn create(
        &self,
        state: &SessionState,
        statement: CreateFunction,
    ) -> Result<RegisterFunction> {
        let mut declined = Vec::new();
        let plugins = self
            .plugins
            .iter()
            .map(|factory| factory.as_ref() as &dyn FunctionFactory);
        let factories: Vec<_> = plugins.chain(self.last.as_deref()).collect();
        for factory in factories {
            match factory.create(state, statement.clone()).await {
                Err(error) if matches!(error.find_root(), DataFusionError::NotImplemented(_)) => {
                    declined.push(error);
                }
                made => return made,
            }
        }
        if declined.len() > 1 {
            let declined: Vec<_> = declined
                .iter()
                .map(DataFusionError::strip_backtrace)
                .collect();
            return not_impl_err!(
                "no function factory makes '{}': {}",
                statement.name,
                declined.join("; ")
            );
        }
        match declined.pop() {
            Some(only) => Err(only),
            None => not_impl_err!("no function factory makes '{}'", statement.name),
        }
    }
}
