//! Functions that go out of a session, and what gets its name back.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    execution::{FunctionRegistry, SessionState},
    logical_expr::{AggregateUDF, ScalarUDF, WindowUDF},
};

use super::{Replacement, displaced::Displaced};
use crate::import::{
    aggregate::PluginAggregateUdf, scalar::PluginScalarUdf, window::PluginWindowUdf,
};

/// The functions of one kind in a session. Its own registry takes and gives every one, under all its names.
pub(super) trait Kind: PartialEq + Sized {
    fn all(state: &SessionState) -> &HashMap<String, Arc<Self>>;
    fn name(&self) -> &str;
    fn aliases(&self) -> &[String];
    fn register(state: &mut SessionState, function: Arc<Self>);
    fn deregister(state: &mut SessionState, name: &str);

    /// Whether it is of a plugin whose names are decided anew.
    fn is_old(self: &Arc<Self>, name: &str, replacement: &Replacement<'_>) -> bool;
    /// Whether it is a plugin's. Of async functions that cannot be told.
    fn is_surely_a_plugins(&self) -> bool;
    /// Whether it may be one.
    fn may_be_a_plugins(&self) -> bool {
        self.is_surely_a_plugins()
    }
}

pub(super) fn remove(state: &mut SessionState, replacement: &Replacement<'_>) {
    let mut displaced = Displaced::of(state.config());
    remove_kind(state, replacement, &mut displaced.scalar);
    remove_kind(state, replacement, &mut displaced.aggregate);
    remove_kind(state, replacement, &mut displaced.window);
    displaced.write_down(state.config_mut());
}

fn remove_kind<F: Kind>(
    state: &mut SessionState,
    replacement: &Replacement<'_>,
    displaced: &mut HashMap<String, Option<Arc<F>>>,
) {
    let known = F::all(state).iter();
    let known = known.map(|(name, function)| (name.clone(), Arc::clone(function)));
    let (old, others): (HashMap<_, _>, HashMap<_, _>) = known.partition(|(name, function)| {
        replacement.exported(name) && function.is_old(name, replacement)
    });
    for name in old.keys() {
        F::deregister(state, name);
    }
    let mut expected = others;
    let mut restored: Vec<Arc<F>> = Vec::new();
    for name in old.into_keys() {
        if let Some(function) = displaced.remove(&name).flatten() {
            expected.insert(name, Arc::clone(&function));
            restored.push(function);
        }
    }
    // One of whose names another one has comes before that one.
    restored.sort_by_key(|function| {
        let mut aliases = function.aliases().iter().map(String::as_str);
        let has = |name| expected.get(name) == Some(function);
        has(function.name()) && aliases.all(has)
    });
    for function in restored {
        let aliases = function.aliases().to_vec();
        F::register(state, function);
        // Aliases that had been taken from it come with it, and go together.
        if let Some(alias) = aliases.first()
            && !aliases.iter().any(|alias| expected.contains_key(alias))
        {
            F::deregister(state, alias);
        }
    }
    // Whoever lost a name with an alias of what was removed, or to what came back just now, has it again.
    for (name, function) in expected {
        if F::all(state).get(&name) != Some(&function) {
            F::register(state, function);
        }
    }
    // What the application has put into a plugin's place displaces for good.
    let has = |name: &str| {
        F::all(state)
            .get(name)
            .is_some_and(|found| found.may_be_a_plugins())
    };
    displaced.retain(|name, _| has(name));
}

/// What the three kinds do alike.
macro_rules! registry {
    ($all:ident, $register:ident, $deregister:ident) => {
        fn all(state: &SessionState) -> &HashMap<String, Arc<Self>> {
            state.$all()
        }

        fn name(&self) -> &str {
            self.name()
        }

        fn aliases(&self) -> &[String] {
            self.aliases()
        }

        fn register(state: &mut SessionState, function: Arc<Self>) {
            drop(state.$register(function));
        }

        fn deregister(state: &mut SessionState, name: &str) {
            drop(state.$deregister(name));
        }
    };
}

impl Kind for ScalarUDF {
    registry!(scalar_functions, register_udf, deregister_udf);

    fn is_old(self: &Arc<Self>, name: &str, replacement: &Replacement<'_>) -> bool {
        match self.inner().downcast_ref::<PluginScalarUdf>() {
            Some(udf) => replacement.is_undecided(udf.origin()),
            None => replacement.is_undecided_async(name, self),
        }
    }

    fn is_surely_a_plugins(&self) -> bool {
        self.inner().is::<PluginScalarUdf>()
    }

    fn may_be_a_plugins(&self) -> bool {
        self.is_surely_a_plugins() || self.as_async().is_some()
    }
}

impl Kind for AggregateUDF {
    registry!(aggregate_functions, register_udaf, deregister_udaf);

    fn is_old(self: &Arc<Self>, _: &str, replacement: &Replacement<'_>) -> bool {
        let udf = self.inner().downcast_ref::<PluginAggregateUdf>();
        udf.is_some_and(|udf| replacement.is_undecided(udf.origin()))
    }

    fn is_surely_a_plugins(&self) -> bool {
        self.inner().is::<PluginAggregateUdf>()
    }
}

impl Kind for WindowUDF {
    registry!(window_functions, register_udwf, deregister_udwf);

    fn is_old(self: &Arc<Self>, _: &str, replacement: &Replacement<'_>) -> bool {
        let udf = self.inner().downcast_ref::<PluginWindowUdf>();
        udf.is_some_and(|udf| replacement.is_undecided(udf.origin()))
    }

    fn is_surely_a_plugins(&self) -> bool {
        self.inner().is::<PluginWindowUdf>()
    }
}
