//! The plugins of a host application: found, judged, loaded, ready to install.

mod builder;
mod next;
mod plugin;
mod reload;
mod sessions;
mod source;
#[cfg(feature = "watch")]
mod watch;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;
use datafusion::{
    catalog::TableFunction,
    execution::{SessionState, context::SessionContext, session_state::SessionStateBuilder},
};

#[cfg(feature = "watch")]
pub use self::watch::{Watch, WatchError};
use self::{builder::LinkedIn, sessions::Sessions};
pub use self::{
    builder::{CheckedPlugins, PluginHostBuilder},
    plugin::{LoadedPlugin, RefusedCapability},
    reload::{ReloadOutcome, ReloadReport, ReloadedFile, RetainedLibrary},
};
use crate::{
    ItemKind,
    config::Config,
    discover::PassedOver,
    import::{health::Quarantine, origin::Activated},
    install::{self, Candidate, InstallReport, Replacement},
    metrics::{MeasuredItem, prometheus, trace},
    policy::{self, GuardedSession, SharedGuard, Subject},
    tables,
    trust::Grant,
};

/// The loaded plugins of a host application. Clones share them.
#[derive(Debug, Clone)]
pub struct PluginHost {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    current: ArcSwap<Generation>,
    /// Finds and loads, as often as the host is asked to.
    loader: PluginHostBuilder,
    sessions: Sessions,
    /// What is mapped and no more in use.
    retained: Mutex<Vec<RetainedLibrary>>,
    /// Held while plugins are replaced: one reload at a time.
    reloading: Mutex<()>,
    guard: Arc<SharedGuard>,
    linked_in: Vec<LinkedIn>,
    /// Directories whose files needed something to vouch for them, at any search.
    vouched: Mutex<BTreeSet<PathBuf>>,
}

type Plugins = Arc<[Arc<LoadedPlugin>]>;

/// The plugins between two reloads.
#[derive(Debug)]
struct Generation {
    plugins: Plugins,
    passed_over: Arc<[PassedOverFile]>,
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

    /// The plugins, in the order they were found. What [`PluginHost::reload`] does later does not show
    /// in them.
    pub fn plugins(&self) -> Arc<[Arc<LoadedPlugin>]> {
        Arc::clone(&self.inner.current.load().plugins)
    }

    /// Files of the search that are not used, and why.
    pub fn passed_over(&self) -> Arc<[PassedOverFile]> {
        Arc::clone(&self.inner.current.load().passed_over)
    }

    /// Installs everything into a live session. Installing again changes nothing.
    ///
    /// Names are decided before anything is registered, and registering cannot fail, so a session
    /// has all of it or none. `plugins()` and the other three table functions of the host come in
    /// too, where the session has no table function of their name; the first host to install answers.
    ///
    /// Where there are policies, they guard what they can of the session, for nobody in particular:
    /// see [`PluginHost::install_for`].
    ///
    /// From now on the session has what [`PluginHost::reload`] brings. One that was built of a builder or of another
    /// session's state, and still has versions that were replaced meanwhile, has them replaced here.
    pub fn install(&self, context: &SessionContext) -> InstallReport {
        self.install_for(context, &Subject::default())
    }

    /// As [`PluginHost::install`], and tells policies who sends the session's statements. They are
    /// told so at the first installation. What they cannot guard of a plain session stands in
    /// `docs/policy.md`; [`PluginHost::guarded`] has no such gaps. Tables that the application
    /// registers later have to pass the policies too.
    pub fn install_for(&self, context: &SessionContext, subject: &Subject) -> InstallReport {
        let shared = context.state_ref();
        let mut state = shared.write();
        // Looked at with the session in hand: a reload comes before or after all of this.
        self.inner.sessions.know(&shared, Some(subject));
        let plugins = self.plugins();
        let report = self.bring_up(&mut state, &plugins);
        self.register_tables(&mut state);
        self.guard(&mut state, subject);
        report
    }

    /// Installs what a session lacks and replaces what is old in it.
    fn bring_up(&self, state: &mut SessionState, plugins: &Plugins) -> InstallReport {
        match self.replace(state, plugins, true) {
            Ok(report) => report,
            Err(reason) => {
                tracing::error!(reason, "not installed: the session keeps what it has");
                let names = &self.config().names;
                install::leave_out(state, &self.candidates(plugins), &names.prefer)
            }
        }
    }

    /// # Errors
    /// Why the session has to keep what it has.
    fn replace(
        &self,
        state: &mut SessionState,
        plugins: &Plugins,
        keeps_prepared: bool,
    ) -> Result<InstallReport, String> {
        let had = sessions::installed(state.config(), &self.inner);
        let old = self.candidates(had.as_deref().unwrap_or_default());
        let now = self.candidates(plugins);
        let replacement = Replacement::new(&old, &now);
        let replacement = match keeps_prepared {
            true => replacement,
            false => replacement.without_prepared(),
        };
        let report = install::replace(state, &replacement, &self.config().names.prefer)?;
        let mut gone = sessions::write_down(state.config_mut(), &self.inner, plugins);
        gone.extend(had);
        sessions::let_go(gone);
        Ok(report)
    }

    /// Puts a session behind the policies, where there are any.
    fn guard(&self, state: &mut SessionState, subject: &Subject) {
        if self.inner.guard.now().is_needed() {
            let copies = policy::plain::install(state, &self.inner.guard, subject);
            self.inner.sessions.know_copies(copies);
        }
    }

    /// The session's tables and functions behind the policies of all plugins, for one subject.
    ///
    /// Install first: what the context has now is what the guarded session has, and what
    /// [`PluginHost::reload`] brings.
    pub fn guarded(&self, context: &SessionContext, subject: Subject) -> GuardedSession {
        let guarded = GuardedSession::new(context, Arc::clone(&self.inner.guard), subject);
        let (session, sql) = guarded.states();
        let session = session.state_ref();
        self.inner.sessions.know(&session, None);
        self.inner.sessions.know_copies([sql.clone()]);
        // What has been replaced since the context's state was looked at.
        // A state without prepared statements can always be.
        drop(self.follow(&session));
        self.follow_copy(&sql);
        guarded
    }

    /// Whether there are policies, or should be: statements are to go through
    /// [`PluginHost::guarded`] then.
    pub fn has_policies(&self) -> bool {
        self.inner.guard.now().is_needed()
    }

    /// Installs everything into a builder of session states, after its other functions were set.
    ///
    /// A session of what it builds has what is installed here until [`PluginHost::install`] is called on it: from then
    /// on it has what [`PluginHost::reload`] brings.
    pub fn install_into(
        &self,
        builder: SessionStateBuilder,
    ) -> (SessionStateBuilder, InstallReport) {
        let plugins = self.plugins();
        let names = &self.config().names;
        let candidates = self.candidates(&plugins);
        let (mut builder, report) = install::install_into(builder, &candidates, &names.prefer);
        let mut config = builder.config().take().unwrap_or_default();
        let had = sessions::write_down(&mut config, &self.inner, &plugins);
        *builder.config() = Some(config);
        sessions::let_go(had);
        let functions = builder.table_functions().get_or_insert_default();
        for (name, function) in tables::functions(self) {
            let function = TableFunction::new(name.to_owned(), function);
            functions
                .entry(name.to_owned())
                .or_insert_with(|| Arc::new(function));
        }
        if self.inner.guard.now().is_needed() {
            let (guard, subject) = (&self.inner.guard, Subject::default());
            let (guarded, copies) = policy::plain::install_into(builder, guard, &subject);
            self.inner.sessions.know_copies(copies);
            builder = guarded;
        }
        (builder, report)
    }

    /// The counters of every item, over all sessions.
    pub fn metrics(&self) -> Vec<MeasuredItem> {
        let plugins = self.plugins();
        let loaded = plugins.iter();
        let items = loaded.clone().flat_map(|plugin| {
            let functions = plugin.functions().iter();
            functions
                .map(|item| MeasuredItem::new(plugin.name(), &item.name, item.kind, &item.metrics))
        });
        let policies = loaded.flat_map(|plugin| plugin.policies());
        let linked_in = self.inner.linked_in.iter();
        let policies = policies.chain(linked_in.flat_map(|plugin| &plugin.policies));
        let policies = policies.map(|policy| {
            let origin = policy.origin();
            let plugin = origin.plugin().name();
            MeasuredItem::new(plugin, origin.item(), ItemKind::Policy, origin.metrics())
        });
        items.chain(policies).collect()
    }

    /// The counters as text in Prometheus' exposition format, which plugins are in quarantine, and
    /// how much of replaced ones stays mapped.
    pub fn prometheus(&self) -> String {
        prometheus(&self.metrics(), &self.quarantined(), &self.retained())
    }

    /// Emits the counters of every item that was called as `tracing` events of level info.
    pub fn trace_metrics(&self) {
        trace(&self.metrics());
    }

    /// Every plugin's name, and why and since when it is in quarantine if it is.
    pub fn quarantined(&self) -> Vec<(String, Option<Quarantine>)> {
        let state = |activated: &Arc<Activated>| {
            let quarantine = activated.health().quarantine();
            (activated.name().to_owned(), quarantine)
        };
        self.activated().iter().map(state).collect()
    }

    /// Ends the quarantine of a plugin and forgets what led to it; whether there was one.
    pub fn reset(&self, plugin: &str) -> bool {
        let activated = self.activated();
        let named = activated.iter().filter(|known| known.name() == plugin);
        let reset = named.map(|activated| activated.health().reset());
        reset.fold(false, |any, one| any | one)
    }

    fn activated(&self) -> Vec<Arc<Activated>> {
        let plugins = self.plugins();
        let loaded = plugins.iter().map(|plugin| plugin.activated());
        let linked_in = self.inner.linked_in.iter();
        let all = loaded.chain(linked_in.map(|plugin| &plugin.activated));
        all.cloned().collect()
    }

    fn config(&self) -> &Config {
        self.inner.loader.configuration()
    }

    fn candidates<'a>(&self, plugins: &'a [Arc<LoadedPlugin>]) -> Vec<Candidate<'a>> {
        let candidate = |plugin: &'a Arc<LoadedPlugin>| Candidate {
            plugin: plugin.name(),
            functions: plugin.functions(),
            refused: plugin.refused(),
            activated: plugin.activated(),
            replace_builtins: plugin.grants().allow(&Grant::ReplaceBuiltins),
        };
        plugins.iter().map(candidate).collect()
    }

    fn register_tables(&self, state: &mut SessionState) {
        for (name, function) in tables::functions(self) {
            if !state.table_functions().contains_key(name) {
                state.register_udtf(name, function);
            }
        }
    }
}
