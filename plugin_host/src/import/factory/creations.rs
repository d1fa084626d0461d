//! What the host lent to functions that were made.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use datafusion_plugin_api::df55::plans::HostObjects;

/// The objects of each creation, by number, for as long as the plugin holds any of them.
#[derive(Debug, Default)]
pub(crate) struct Creations(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    last: u64,
    objects: HashMap<u64, Weak<HostObjects>>,
}

impl Creations {
    /// A number for a creation with these objects.
    pub(crate) fn add(&self, objects: &Arc<HostObjects>) -> u64 {
        let mut numbered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        numbered
            .objects
            .retain(|_, objects| objects.strong_count() > 0);
        numbered.last += 1;
        let number = numbered.last;
        numbered.objects.insert(number, Arc::downgrade(objects));
        number
    }

    /// The objects of a creation.
    pub(crate) fn get(&self, number: u64) -> Option<Arc<HostObjects>> {
        let numbered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        numbered.objects.get(&number)?.upgrade()
    }
}
