//! The plugins of a host application: found, judged, loaded, ready to install.

mod builder;
mod plugin;

use std::sync::Arc;

use datafusion::{
    catalog::TableFunction,
    execution::{SessionState, context::SessionContext, session_state::SessionStateBuilder},
};

pub use self::{
    builder::PluginHostBuilder,
    plugin::{LoadedPlugin, RefusedCapability},
};
use crate::{
    config::Config,
    discover::PassedOver,
    install::{self, Candidate, InstallReport},
    tables,
};

/// The loaded plugins of a host application. Clones share them.
#[derive(Debug, Clone)]
pub struct PluginHost {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    plugins: Vec<LoadedPlugin>,
    passed_over: Vec<PassedOverFile>,
    config: Config,
}

/// A file of the search that is not used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PassedOverFile {
    /// The file.
    pub path: std::path::PathBuf,
    /// Why.
    pub reason: String,
}

impl From<PassedOver> for PassedOverFile {
    fn from(file: PassedOver) -> Self {
        Self {
            path: file.path,
            reason: file.reason.to_string(),
        }
    }
}

impl PluginHost {
    /// Starts to look for plugins.
    pub fn builder() -> PluginHostBuilder {
        PluginHostBuilder::default()
    }

    /// The plugins, in the order they were found.
    pub fn plugins(&self) -> &[LoadedPlugin] {
        &self.inner.plugins
    }

    /// Files of the search that are not used, and why.
    pub fn passed_over(&self) -> &[PassedOverFile] {
        &self.inner.passed_over
    }

    /// Installs everything into a live session. Installing again changes nothing.
    ///
    /// Names are decided before anything is registered, and registering cannot fail, so a session
    /// has all of it or none. `plugins()` and the other three table functions of the host come in
    /// too, where the session has no table function of their name; the first host to install answers.
    pub fn install(&self, context: &SessionContext) -> InstallReport {
        let state = context.state_ref();
        let mut state = state.write();
        let report = install::install(
            &mut state,
            &self.candidates(),
            &self.inner.config.names.prefer,
        );
        self.register_tables(&mut state);
        report
    }

    /// Installs everything into a builder of session states, after its other functions were set.
    pub fn install_into(
        &self,
        builder: SessionStateBuilder,
    ) -> (SessionStateBuilder, InstallReport) {
        let (mut builder, report) =
            install::install_into(builder, &self.candidates(), &self.inner.config.names.prefer);
        let functions = builder.table_functions().get_or_insert_default();
        for (name, function) in tables::functions(self) {
            let function = TableFunction::new(name.to_owned(), function);
            functions
                .entry(name.to_owned())
                .or_insert_with(|| Arc::new(function));
        }
        (builder, report)
    }

    fn candidates(&self) -> Vec<Candidate<'_>> {
        self.inner
            .plugins
            .iter()
            .map(|plugin| Candidate {
                plugin: plugin.name(),
                functions: plugin.functions(),
                replace_builtins: self.inner.config.plugin(plugin.name()).replace_builtins,
            })
            .collect()
    }

    fn register_tables(&self, state: &mut SessionState) {
        for (name, function) in tables::functions(self) {
            if !state.table_functions().contains_key(name) {
                state.register_udtf(name, function);
            }
        }
    }
}
