//! Objects of a plugin's that outlive the call that made them, and may block when they are dropped.

use std::sync::Arc;

use datafusion_plugin_api::abi::CallError;

use super::{limits::Limits, origin::Activated};

/// An object that is dropped elsewhere where the plugin's planning or streams have a limit of time, and in place else.
#[derive(Debug)]
pub(crate) struct Disposed<O: Send + 'static> {
    /// There until the drop.
    object: Option<O>,
    plugin: Arc<Activated>,
}

impl<O: Send + 'static> Disposed<O> {
    pub(crate) fn new(plugin: &Arc<Activated>, object: O) -> Self {
        Self {
            object: Some(object),
            plugin: Arc::clone(plugin),
        }
    }

    /// The object, which is there until the drop.
    pub(crate) fn get(&self) -> Result<&O, CallError> {
        let gone = || CallError::contract("used after its drop");
        self.object.as_ref().ok_or_else(gone)
    }
}

impl<O: Send + 'static> Drop for Disposed<O> {
    fn drop(&mut self) {
        let Limits {
            planning,
            stream,
            threads,
            ..
        } = self.plugin.limits();
        if planning.is_some() || stream.is_some() {
            // The plugin's instance lives as long as what is of it: it is let go after the object.
            threads.dispose((self.object.take(), Arc::clone(&self.plugin)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        sync::mpsc::{Sender, channel},
        thread::{self, ThreadId},
        time::Duration,
    };

    use super::*;
    use crate::config::Config;

    /// Tells on which thread it is dropped, and whether the plugin is still there.
    struct Telling(Sender<(ThreadId, bool)>, std::sync::Weak<Activated>);

    impl Drop for Telling {
        fn drop(&mut self) {
            let there = self.1.strong_count() > 0;
            self.0.send((thread::current().id(), there)).unwrap();
        }
    }

    #[test]
    fn dropped_elsewhere_with_a_limit_and_before_the_plugin() {
        for (limits, elsewhere) in [
            ("", false),
            ("policy_ms = 1000", false),
            ("planning_ms = 1000", true),
            ("stream_ms = 1000", true),
        ] {
            let config = Config::parse(&format!("[host]\nlimits = {{ {limits} }}")).unwrap();
            let plugin = Activated::new("test", None, false, &config);
            let (tell, told) = channel();
            let telling = Telling(tell, Arc::downgrade(&plugin));
            let disposed = Arc::new(Disposed::new(&plugin, telling));
            drop(plugin);
            assert!(disposed.get().is_ok());
            drop(Arc::clone(&disposed));
            assert!(told.try_recv().is_err(), "{limits}");
            drop(disposed);
            let (thread, there) = told.recv_timeout(Duration::from_secs(20)).unwrap();
            assert!(there, "{limits}");
            assert_eq!(thread != thread::current().id(), elsewhere, "{limits}");
        }
    }
}
