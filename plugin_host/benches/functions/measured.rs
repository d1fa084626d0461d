//! The measured functions from their three places.

#![allow(unsafe_code, reason = "raw datafusion-ffi has no safe way in")]

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use datafusion::{
    logical_expr::{
        AggregateUDF, AggregateUDFImpl, ScalarUDF, ScalarUDFImpl, WindowUDF, WindowUDFImpl,
    },
    prelude::{SessionConfig, SessionContext},
};
use datafusion_ffi::{
    record_batch_stream::FFI_RecordBatchStream, udaf::FFI_AggregateUDF, udf::FFI_ScalarUDF,
    udwf::FFI_WindowUDF,
};
use datafusion_plugin_host::PluginHost;

/// Where a function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    LinkedIn,
    Plugin,
    RawFfi,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::LinkedIn, Self::Plugin, Self::RawFfi];

    pub fn name(self) -> &'static str {
        match self {
            Self::LinkedIn => "linked_in",
            Self::Plugin => "plugin",
            Self::RawFfi => "raw_ffi",
        }
    }
}

/// The library of the crate `measured`, which Cargo builds beside this bench.
pub fn library() -> PathBuf {
    let name = format!(
        "{}measured{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    std::env::current_exe().unwrap().with_file_name(name)
}

pub static HOST: LazyLock<PluginHost> =
    LazyLock::new(|| PluginHost::builder().plugin_file(library()).load().unwrap());

static RAW: LazyLock<libloading::Library> =
    // SAFETY: the bench's own library, built by the same compiler.
    LazyLock::new(|| unsafe { libloading::Library::new(library()) }.unwrap());

fn raw<T>(symbol: &str) -> T {
    // SAFETY: `measured` exports the symbol with this type.
    unsafe { RAW.get::<extern "C" fn() -> T>(symbol.as_bytes()) }.unwrap()()
}

/// The stream of `wide(count, columns)`, raw.
pub fn raw_wide(count: usize, columns: usize) -> FFI_RecordBatchStream {
    type Make = extern "C" fn(usize, usize) -> FFI_RecordBatchStream;
    // SAFETY: as above.
    let make = unsafe { RAW.get::<Make>(b"measured_wide") };
    make.unwrap()(count, columns)
}

/// A session whose measured functions run in one place, with one partition: the machine's other
/// cores are not part of the comparison.
pub fn session(place: Place) -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    match place {
        Place::LinkedIn => {
            context.register_udf(measured::Plus::new().into());
            context.register_udf(measured::DiscountedPrice::new().into());
            context.register_udf(measured::Charge::new().into());
            context.register_udf(measured::ShippedBy::new().into());
            context.register_udaf(measured::Total::new().into());
            context.register_udwf(measured::RunningTotal::new().into());
            context.register_udwf(measured::Previous::new().into());
            context.register_udtf("wide", Arc::new(measured::Wide));
        }
        Place::Plugin => {
            assert_eq!(HOST.install(&context).qualified_only().count(), 0);
        }
        Place::RawFfi => {
            let plus: Arc<dyn ScalarUDFImpl> = raw::<FFI_ScalarUDF>("measured_plus").into();
            context.register_udf(ScalarUDF::new_from_shared_impl(plus));
            let total: Arc<dyn AggregateUDFImpl> =
                (&raw::<FFI_AggregateUDF>("measured_total")).into();
            context.register_udaf(AggregateUDF::new_from_shared_impl(total));
            for symbol in ["measured_running_total", "measured_previous"] {
                let udwf: Arc<dyn WindowUDFImpl> = (&raw::<FFI_WindowUDF>(symbol)).into();
                context.register_udwf(WindowUDF::new_from_shared_impl(udwf));
            }
        }
    }
    context
}
