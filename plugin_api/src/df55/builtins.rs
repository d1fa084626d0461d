//! DataFusion's own functions, recognised in expressions of the other side.

use std::{collections::HashMap, sync::Arc};

use datafusion_expr::ScalarUDF;

use crate::{abi::message::FunctionReference, df55::function_table::debug_text};

/// The functions that DataFusion brings along, by name.
///
/// These are DataFusion's defaults and not a session's functions, which a plugin may have
/// replaced: Spark's `date_trunc` rewrites to DataFusion's `date_trunc`.
#[derive(Debug, Default)]
pub struct Builtins(HashMap<String, Arc<ScalarUDF>>);

impl Builtins {
    /// Of the functions given, under their own names.
    pub fn new(functions: impl IntoIterator<Item = Arc<ScalarUDF>>) -> Self {
        Self(
            functions
                .into_iter()
                .map(|function| (function.name().to_owned(), function))
                .collect(),
        )
    }

    /// How the other side is told of `function`, if it is one of these.
    pub fn reference(&self, function: &ScalarUDF) -> Option<FunctionReference> {
        let reference = FunctionReference {
            name: function.name().to_owned(),
            debug: debug_text(function),
            builtin: true,
            ..FunctionReference::default()
        };
        self.find(&reference).map(|_| reference)
    }

    /// The built-in that `reference` is a copy of: one of the same name and `Debug` text, in
    /// which a function's type and its fields show.
    pub fn find(&self, reference: &FunctionReference) -> Option<Arc<ScalarUDF>> {
        let function = self.0.get(&reference.name)?;
        (debug_text(function) == reference.debug).then(|| Arc::clone(function))
    }
}
