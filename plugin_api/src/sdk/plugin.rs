//! What an author exports, collected.

use std::{collections::HashSet, sync::Arc, time::Duration};

use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    AggregateUDF, ScalarUDF, WindowUDF,
    async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl},
};

use super::instance::Instance;
use crate::abi::PluginInstanceObject;

/// How an async scalar function is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsyncScalarOptions {
    /// A call that takes longer is cancelled and is an error.
    pub timeout: Option<Duration>,
    /// Rows per call; the function's own `ideal_batch_size` when absent.
    pub batch_size: Option<usize>,
}

impl AsyncScalarOptions {
    /// Cancels calls that take longer than `timeout`.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Hands the function at most `rows` rows per call.
    pub fn with_batch_size(mut self, rows: usize) -> Self {
        self.batch_size = Some(rows);
        self
    }
}

/// A scalar function with what the author says beyond its trait.
#[derive(Debug, Clone)]
pub(super) struct ScalarEntry {
    pub(super) udf: Arc<ScalarUDF>,
    /// The author's type under an async function; it says more than its wrapper.
    pub(super) asynchronous: Option<(Arc<dyn AsyncScalarUDFImpl>, AsyncScalarOptions)>,
    pub(super) reads_settings: Option<Vec<String>>,
    pub(super) simplifies: bool,
}

/// The functions that a plugin exports.
#[derive(Debug, Default)]
pub struct Plugin {
    pub(super) scalar: Vec<ScalarEntry>,
    pub(super) aggregate: Vec<Arc<AggregateUDF>>,
    pub(super) window: Vec<Arc<WindowUDF>>,
    #[cfg(feature = "tables")]
    pub(super) table: Vec<super::table_function::TableFunctionEntry>,
}

impl Plugin {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Exports a scalar function: a `ScalarUDFImpl` or a `ScalarUDF`.
    pub fn scalar_function(self, udf: impl Into<ScalarUDF>) -> Self {
        self.scalar_functions([Arc::new(udf.into())])
    }

    /// Exports scalar functions.
    pub fn scalar_functions(mut self, udfs: impl IntoIterator<Item = Arc<ScalarUDF>>) -> Self {
        let entry = |udf| ScalarEntry {
            udf,
            asynchronous: None,
            reads_settings: None,
            simplifies: false,
        };
        self.scalar.extend(udfs.into_iter().map(entry));
        self
    }

    /// Names the settings that the scalar function exported last reads. Only these are sent to it;
    /// without this call, all that differ from DataFusion's defaults are.
    pub fn reading_settings<S: Into<String>>(mut self, keys: impl IntoIterator<Item = S>) -> Self {
        if let Some(entry) = self.scalar.last_mut() {
            entry.reads_settings = Some(keys.into_iter().map(Into::into).collect());
        }
        self
    }

    /// Exports an async scalar function. It runs on the plugin's own runtime.
    pub fn async_scalar_function(
        mut self,
        udf: impl AsyncScalarUDFImpl + 'static,
        options: AsyncScalarOptions,
    ) -> Self {
        let udf: Arc<dyn AsyncScalarUDFImpl> = Arc::new(udf);
        self.scalar.push(ScalarEntry {
            udf: Arc::new(AsyncScalarUDF::new(Arc::clone(&udf)).into_scalar_udf()),
            asynchronous: Some((udf, options)),
            reads_settings: None,
            simplifies: false,
        });
        self
    }

    /// Exports an aggregate function: an `AggregateUDFImpl` or an `AggregateUDF`.
    pub fn aggregate_function(self, udf: impl Into<AggregateUDF>) -> Self {
        self.aggregate_functions([Arc::new(udf.into())])
    }

    /// Exports aggregate functions.
    pub fn aggregate_functions(
        mut self,
        udfs: impl IntoIterator<Item = Arc<AggregateUDF>>,
    ) -> Self {
        self.aggregate.extend(udfs);
        self
    }

    /// Exports a window function: a `WindowUDFImpl` or a `WindowUDF`.
    pub fn window_function(self, udf: impl Into<WindowUDF>) -> Self {
        self.window_functions([Arc::new(udf.into())])
    }

    /// Exports window functions.
    pub fn window_functions(mut self, udfs: impl IntoIterator<Item = Arc<WindowUDF>>) -> Self {
        self.window.extend(udfs);
        self
    }

    /// Exports a table function. `documentation` is what people read of it.
    #[cfg(feature = "tables")]
    pub fn table_function(
        mut self,
        name: impl Into<String>,
        function: impl datafusion_session::TableFunctionImpl + 'static,
        documentation: Option<datafusion_expr::Documentation>,
    ) -> Self {
        self.table.push(super::table_function::TableFunctionEntry {
            name: name.into(),
            function: Arc::new(function),
            documentation,
        });
        self
    }

    /// Exports table functions that carry their names.
    #[cfg(feature = "tables")]
    pub fn table_functions(
        mut self,
        functions: impl IntoIterator<Item = Arc<datafusion_session::TableFunction>>,
    ) -> Self {
        let entry = |function: Arc<datafusion_session::TableFunction>| {
            super::table_function::TableFunctionEntry {
                name: function.name().to_owned(),
                function: Arc::clone(function.function()),
                documentation: None,
            }
        };
        self.table.extend(functions.into_iter().map(entry));
        self
    }

    /// The plugin as a host sees it, in this process and without a library: for tests of a plugin's
    /// functions across the contract.
    ///
    /// # Errors
    /// When two functions of one kind have one name.
    pub fn into_instance(self) -> Result<PluginInstanceObject> {
        self.check_names()?;
        Ok(PluginInstanceObject::new(Instance::new(self)))
    }

    /// Refuses two functions of one kind with one name.
    pub(super) fn check_names(&self) -> Result<()> {
        unique("scalar", self.scalar.iter().map(|entry| entry.udf.name()))?;
        unique("aggregate", self.aggregate.iter().map(|udf| udf.name()))?;
        unique("window", self.window.iter().map(|udf| udf.name()))?;
        #[cfg(feature = "tables")]
        unique("table", self.table.iter().map(|entry| entry.name.as_str()))?;
        Ok(())
    }
}

fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return plan_err!("two {kind} functions are named '{name}'");
        }
    }
    Ok(())
}
