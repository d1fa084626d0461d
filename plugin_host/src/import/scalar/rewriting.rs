//! Simplification and preimages of calls: expressions cross and come back.

use std::sync::{Arc, LazyLock};

use datafusion::{
    common::Result,
    execution::SessionStateDefaults,
    logical_expr::{
        Expr, ScalarUDF,
        preimage::PreimageResult,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};
use datafusion_plugin_api::{
    abi::{
        ScalarFunctionObject,
        message::{FunctionReference, Settings},
    },
    df55::{
        builtins::Builtins,
        plans::with_kept,
        simplify::{HostFunctions, preimage_of_call, simplify_call},
    },
};

use super::{PluginScalarUdf, ScalarFunction};
use crate::import::{origin::Activated, settings::settings};

impl PluginScalarUdf {
    pub(super) fn rewrite(
        &self,
        args: Vec<Expr>,
        info: &SimplifyContext,
    ) -> Result<ExprSimplifyResult> {
        if !self.function.descriptor.simplifies {
            return Ok(ExprSimplifyResult::Original(args));
        }
        let settings = Settings::clone(&settings(info.config_options()));
        let ScalarFunction { origin, object, .. } = self.function.as_ref();
        let simplified = simplify_call(args, info, settings, self, |request| {
            let answer = origin.plan(object, ScalarFunctionObject::simplify, request);
            answer.map_err(|error| origin.attribute(error))
        })?;
        match simplified {
            ExprSimplifyResult::Simplified(expr) if self.function.created => {
                with_kept(expr).map(ExprSimplifyResult::Simplified)
            }
            simplified => Ok(simplified),
        }
    }

    pub(super) fn preimage_of(
        &self,
        args: &[Expr],
        literal: &Expr,
        info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        if !self.function.descriptor.simplifies {
            return Ok(PreimageResult::None);
        }
        let settings = Settings::clone(&settings(info.config_options()));
        let ScalarFunction { origin, object, .. } = self.function.as_ref();
        preimage_of_call(args, literal, info, settings, self, |request| {
            let answer = origin.plan(object, ScalarFunctionObject::preimage, request);
            answer.map_err(|error| origin.attribute(error))
        })
    }

    /// A function of the same plugin.
    fn sibling(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
        let ScalarFunction { origin, object, .. } = self.function.as_ref();
        if reference.identity == origin.identity() {
            return Ok(Arc::new(self.clone().into()));
        }
        let function = origin
            .plugin()
            .sibling(reference.identity, reference.export.is_some(), || {
                ScalarFunction::import_derived(origin, object.derived(reference.identity)?)
            })
            .map_err(|error| origin.error(error))?;
        let name = function.name_in_sessions();
        Ok(Arc::new(
            PluginScalarUdf::new(name, Vec::new(), function).into(),
        ))
    }
}

/// How `plugin` knows `function`, if it is one of that plugin's.
pub(crate) fn reference_of(
    plugin: &Arc<Activated>,
    function: &ScalarUDF,
) -> Option<FunctionReference> {
    let function = &function.inner().downcast_ref::<PluginScalarUdf>()?.function;
    Arc::ptr_eq(function.origin.plugin(), plugin).then(|| FunctionReference {
        name: function.descriptor.name.clone(),
        debug: function.descriptor.debug.clone(),
        identity: function.origin.identity(),
        ..FunctionReference::default()
    })
}

/// The functions that DataFusion brings along.
pub(crate) fn builtins() -> &'static Builtins {
    static BUILTINS: LazyLock<Builtins> =
        LazyLock::new(|| Builtins::new(SessionStateDefaults::default_scalar_functions()));
    &BUILTINS
}

impl HostFunctions for PluginScalarUdf {
    fn reference(&self, function: &ScalarUDF) -> Option<FunctionReference> {
        reference_of(self.function.origin.plugin(), function)
    }

    fn exported(&self, reference: &FunctionReference) -> Option<Arc<ScalarUDF>> {
        reference.export?;
        self.sibling(reference).ok()
    }

    fn builtins(&self) -> &Builtins {
        builtins()
    }

    fn lent(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
        let origin = &self.function.origin;
        let creations = origin.plugin().creations();
        let objects = reference.creation.and_then(|number| creations.get(number));
        match (objects, reference.handle) {
            (Some(objects), Some(handle)) => objects.lent_scalar(handle),
            _ => {
                let name = &reference.name;
                Err(origin.breach(format!("'{name}' of an unknown creation")))
            }
        }
    }

    fn derived(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
        self.sibling(reference)
    }
}
