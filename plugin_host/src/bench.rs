//! What the bench `metrics` measures; no part of the API.

use std::{hint::black_box, sync::Arc};

use crate::{
    config::Config,
    import::origin::{Activated, Origin},
};

/// All that a call on data costs but for the call.
#[derive(Debug)]
pub struct Counting(Origin);

impl Default for Counting {
    fn default() -> Self {
        let plugin = Activated::new("bench", None, false, &Config::default());
        Self(Origin::new(plugin, "counting", 0, Arc::default()))
    }
}

impl Counting {
    /// A call on so many rows that does nothing.
    ///
    /// # Panics
    /// Never: the plugin is not in quarantine.
    #[inline]
    pub fn call(&self, rows: usize) {
        let called = self.0.on_batch(rows, || Ok(black_box(rows)));
        assert!(called.is_ok());
    }
}
