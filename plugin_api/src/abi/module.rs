//! The entry of a plugin library.

use abi_stable::{
    StableAbi,
    library::{CheckTypeLayout, LibHeader, RootModule, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
    std_types::RString,
};

use super::{
    AggregateFunctionObject, CallError, CatalogObject, ExpressionPlannerObject,
    FunctionFactoryObject, Parcel, PhysicalRuleObject, PlanRuleObject, PolicyObject,
    RelationPlannerObject, Reply, ScalarFunctionObject, SessionOptionsObject, TableFactoryObject,
    TableFunctionObject, TableObject, TypePlannerObject, WindowFunctionObject, guard::guarded,
    message::Activation,
};

/// The symbol under which a plugin library exports its [`LibHeader`].
pub const ROOT_SYMBOL: &str = "datafusion_plugin_root";

interface! {
    /// What the host does for a plugin.
    Shared trait HostServices / HostServicesVTable / HostServicesVTableRef / HostServicesObject;
    ref {
        /// Records an event: JSON of [`message::Event`](crate::abi::message::Event).
        fn event(record: RString) -> ();
        /// Opens a span: JSON of [`message::Span`](crate::abi::message::Span).
        fn open_span(record: RString) -> u64;
        /// Adds fields to a span: a JSON object.
        fn record_span(span: u64, fields: RString) -> ();
        /// Enters a span on the calling thread.
        fn enter_span(span: u64) -> ();
        /// Leaves a span on the calling thread.
        fn exit_span(span: u64) -> ();
        /// Closes a span.
        fn close_span(span: u64) -> ();
    }
}

interface! {
    /// An activated plugin: what it exports, by position in its description.
    Shared trait PluginInstance / PluginInstanceVTable / PluginInstanceVTableRef / PluginInstanceObject;
    ref {
        /// [`message::Exports`](crate::abi::message::Exports).
        fn describe() -> Parcel;
        /// The scalar function (sync or async) at a position among the scalar functions.
        fn scalar_function(position: usize) -> ScalarFunctionObject;
        /// The aggregate function at a position among the aggregate functions.
        fn aggregate_function(position: usize) -> AggregateFunctionObject;
        /// The window function at a position among the window functions.
        fn window_function(position: usize) -> WindowFunctionObject;
        /// The table function at a position among the table functions.
        fn table_function(position: usize) -> TableFunctionObject;
        /// The table at a position among the tables.
        fn table(position: usize) -> TableObject;
        /// The table factory at a position among the table factories.
        fn table_factory(position: usize) -> TableFactoryObject;
        /// The catalog at a position among the catalogs.
        fn catalog(position: usize) -> CatalogObject;
        /// The relation planner at a position among the relation planners.
        fn relation_planner(position: usize) -> RelationPlannerObject;
        /// The expression planner at a position among the expression planners.
        fn expression_planner(position: usize) -> ExpressionPlannerObject;
        /// The type planner at a position among the type planners.
        fn type_planner(position: usize) -> TypePlannerObject;
        /// The policy at a position among the policies.
        fn policy(position: usize) -> PolicyObject;
        /// The rule at a position among the rules.
        fn rule(position: usize) -> PlanRuleObject;
        /// The physical optimizer rule at a position among the rules.
        fn physical_rule(position: usize) -> PhysicalRuleObject;
        /// The function factory at a position among the function factories.
        fn function_factory(position: usize) -> FunctionFactoryObject;
        /// The session options.
        fn options() -> SessionOptionsObject;
    }
}

/// The root module of a plugin library.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
#[sabi(missing_field(option))]
pub struct PluginModule {
    /// Starts the plugin. The first argument is JSON of
    /// [`message::Activation`](crate::abi::message::Activation).
    #[sabi(last_prefix_field)]
    pub activate: extern "C" fn(RString, HostServicesObject) -> Reply<PluginInstanceObject>,
}

impl RootModule for PluginModuleRef {
    abi_stable::declare_root_module_statics! {PluginModuleRef}
    const BASE_NAME: &'static str = "datafusion_plugin";
    const NAME: &'static str = "datafusion_plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

/// The one call that starts a plugin; the export macro implements it.
pub trait PluginEntry: 'static {
    /// Starts the plugin. May be called more than once in a process, once per host.
    ///
    /// # Errors
    /// Whatever keeps the plugin from starting; nothing of it is installed then.
    fn activate(
        activation: Activation,
        host: HostServicesObject,
    ) -> Result<PluginInstanceObject, CallError>;
}

/// The header of the library whose plugin is `E`, to be exported as [`ROOT_SYMBOL`].
pub const fn export_module<E: PluginEntry>() -> LibHeader {
    // SAFETY: the constructor yields a `PluginModuleRef`.
    unsafe { LibHeader::from_constructor::<PluginModuleRef>(construct::<E>, CheckTypeLayout::Yes) }
}

extern "C" fn construct<E: PluginEntry>() -> RootModuleResult {
    abi_stable::library::__call_root_module_loader(module::<E>)
}

fn module<E: PluginEntry>() -> PluginModuleRef {
    PluginModule {
        activate: activate::<E>,
    }
    .leak_into_prefix()
}

extern "C" fn activate<E: PluginEntry>(
    activation: RString,
    host: HostServicesObject,
) -> Reply<PluginInstanceObject> {
    guarded("activate", String::new, move || {
        let activation = serde_json::from_str(&activation)
            .map_err(|error| CallError::contract(format!("unreadable activation: {error}")))?;
        E::activate(activation, host)
    })
}
