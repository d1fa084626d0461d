//! What an author exports, collected.

use std::{collections::HashSet, sync::Arc, time::Duration};

use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    AggregateUDF, ScalarUDF, WindowUDF,
    async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl},
};

#[cfg(feature = "tables")]
use datafusion_session::{
    CatalogProvider, TableFunction, TableFunctionImpl, TableProvider, TableProviderFactory,
};

#[cfg(feature = "tables")]
use super::{
    catalog::CatalogEntry, table_factory::TableFactoryEntry, table_function::TableFunctionEntry,
};
use super::{
    instance::Instance,
    options::OptionsEntry,
    policy::{Policies, Policy},
};
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

/// What a plugin exports.
#[derive(Debug, Default)]
pub struct Plugin {
    pub(super) scalar: Vec<ScalarEntry>,
    pub(super) aggregate: Vec<Arc<AggregateUDF>>,
    pub(super) window: Vec<Arc<WindowUDF>>,
    pub(super) policies: Policies,
    pub(super) options: Vec<OptionsEntry>,
    #[cfg(feature = "tables")]
    pub(super) sources: Sources,
    #[cfg(feature = "planners")]
    pub(super) planners: super::planners::Planners,
    #[cfg(feature = "rules")]
    pub(super) rules: Vec<super::Rule>,
    #[cfg(feature = "function-factory")]
    pub(super) function_factories: Vec<super::function_factory::FactoryEntry>,
}

/// Where tables come from.
#[cfg(feature = "tables")]
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) functions: Vec<TableFunctionEntry>,
    pub(super) tables: Vec<(String, Arc<dyn TableProvider>)>,
    pub(super) factories: Vec<TableFactoryEntry>,
    pub(super) catalogs: Vec<CatalogEntry>,
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
        function: impl TableFunctionImpl + 'static,
        documentation: Option<datafusion_expr::Documentation>,
    ) -> Self {
        self.sources.functions.push(TableFunctionEntry {
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
        functions: impl IntoIterator<Item = Arc<TableFunction>>,
    ) -> Self {
        let entry = |function: Arc<TableFunction>| TableFunctionEntry {
            name: function.name().to_owned(),
            function: Arc::clone(function.function()),
            documentation: None,
        };
        self.sources
            .functions
            .extend(functions.into_iter().map(entry));
        self
    }

    /// Exports a table. A session has it as `plugin.name`, in the schema that bears the plugin's
    /// name.
    #[cfg(feature = "tables")]
    pub fn table(mut self, name: impl Into<String>, table: Arc<dyn TableProvider>) -> Self {
        self.sources.tables.push((name.into(), table));
        self
    }

    /// Exports a table factory: `CREATE EXTERNAL TABLE ... STORED AS name` asks it for a table.
    #[cfg(feature = "tables")]
    pub fn table_provider_factory(
        mut self,
        name: impl Into<String>,
        factory: Arc<dyn TableProviderFactory>,
    ) -> Self {
        let name = name.into().to_uppercase();
        self.sources
            .factories
            .push(TableFactoryEntry { name, factory });
        self
    }

    /// Exports a catalog.
    #[cfg(feature = "tables")]
    pub fn catalog(mut self, name: impl Into<String>, catalog: Arc<dyn CatalogProvider>) -> Self {
        let name = name.into();
        self.sources.catalogs.push(CatalogEntry { name, catalog });
        self
    }

    /// Exports a policy, which decides on every statement of a host's guarded sessions.
    pub fn policy(mut self, name: impl Into<String>, policy: impl Policy) -> Self {
        self.policies.push(name.into(), policy);
        self
    }

    /// The plugin as a host sees it, in this process and without a library: for tests of a plugin's
    /// functions across the contract.
    ///
    /// # Errors
    /// When two exports of one kind have one name.
    pub fn into_instance(self) -> Result<PluginInstanceObject> {
        self.check_names()?;
        Ok(PluginInstanceObject::new(Instance::new(self)))
    }

    /// Refuses options under another name than the plugin's.
    pub(super) fn check_namespace(&self, plugin: &str) -> Result<()> {
        let mut options = self.options.iter();
        options.try_for_each(|entry| entry.check_namespace(plugin))
    }

    /// Refuses two exports of one kind with one name.
    pub(super) fn check_names(&self) -> Result<()> {
        unique(
            "scalar functions",
            self.scalar.iter().map(|entry| entry.udf.name()),
        )?;
        unique(
            "aggregate functions",
            self.aggregate.iter().map(|udf| udf.name()),
        )?;
        unique("window functions", self.window.iter().map(|udf| udf.name()))?;
        unique("policies", self.policies.names())?;
        OptionsEntry::check(&self.options)?;
        #[cfg(feature = "tables")]
        {
            let Sources {
                functions,
                tables,
                factories,
                catalogs,
            } = &self.sources;
            unique("table functions", functions.iter().map(|e| e.name.as_str()))?;
            unique("tables", tables.iter().map(|(name, _)| name.as_str()))?;
            unique("table factories", factories.iter().map(|e| e.name.as_str()))?;
            unique("catalogs", catalogs.iter().map(|e| e.name.as_str()))?;
        }
        #[cfg(feature = "rules")]
        unique(
            "rules",
            self.rules.iter().map(|rule| rule.descriptor.name.as_str()),
        )?;
        #[cfg(feature = "function-factory")]
        unique(
            "function factories",
            self.function_factories
                .iter()
                .map(|entry| entry.name.as_str()),
        )?;
        #[cfg(feature = "planners")]
        for (kind, names) in self.planners.names() {
            unique(kind, names.into_iter())?;
        }
        Ok(())
    }
}

fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return plan_err!("two {kind} are named '{name}'");
        }
    }
    Ok(())
}
