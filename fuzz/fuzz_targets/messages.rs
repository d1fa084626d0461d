//! A message of any bytes is read, or refused with a reason. What is read can be written again.
#![no_main]

use datafusion_plugin_api::abi::{Parcel, message::*};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

fn round_trip<M: DeserializeOwned + Serialize>(parcel: &Parcel) {
    match parcel.message::<M>() {
        Ok(message) => {
            let written = Parcel::of(&message).expect("it was read");
            written.message::<M>().expect("it was written");
        }
        Err(error) => assert!(!error.message().is_empty()),
    }
}

/// The kind of message, by the first byte.
macro_rules! kinds {
    ($kind:expr, $parcel:expr; $($message:ty),* $(,)?) => {{
        let kinds: &[fn(&Parcel)] = &[$(round_trip::<$message>),*];
        kinds[usize::from($kind) % kinds.len()]($parcel);
    }};
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, text)) = bytes.split_first() else {
        return;
    };
    let mut parcel = Parcel::of(&()).expect("a message of nothing");
    parcel.message = text.into();
    // What a plugin sends.
    kinds!(*kind, &parcel;
        Exports,
        FunctionDescriptor,
        Properties,
        OrderingReply,
        BoundsReply,
        PlacementReply,
        SimplifyReply,
        PreimageReply,
        StructFieldMappingReply,
        MonotonicityReply,
        ExpressionsReply,
        LimitEffectReply,
        TableDescriptor,
        TableFunctionDescriptor,
        PushdownReply,
        ScanDescriptor,
        ScanMetrics,
        InputRequirements,
        ExpressionList,
        PlanList,
        PlanQuestion,
        RelationReply,
        ExpressionHookReply,
        ContextQuestion,
        PlannerDescriptor,
        RuleDescriptor,
        RuleReply,
        PolicyDescriptor,
        PolicyDecision,
        Event,
        Span,
    );
});
