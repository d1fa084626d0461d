//! Events and spans on their way to the host's subscriber.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A `tracing` event of the plugin.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Event {
    /// 1 error, 2 warn, 3 info, 4 debug, 5 trace.
    pub level: u8,
    /// The event's target.
    pub target: String,
    /// The message.
    #[serde(default)]
    pub message: String,
    /// The other fields.
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// The source file.
    #[serde(default)]
    pub file: Option<String>,
    /// The source line.
    #[serde(default)]
    pub line: Option<u32>,
    /// The span given explicitly as parent.
    #[serde(default)]
    pub parent: Option<u64>,
    /// Explicitly no parent. With neither, it is the span that the thread is in.
    #[serde(default)]
    pub root: bool,
}

/// A `tracing` span of the plugin.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Span {
    /// As for events.
    pub level: u8,
    /// The span's target.
    pub target: String,
    /// The span's name.
    pub name: String,
    /// The fields known at its start.
    #[serde(default)]
    pub fields: Map<String, Value>,
    /// The span given explicitly as parent.
    #[serde(default)]
    pub parent: Option<u64>,
    /// Explicitly no parent. With neither, it is the span that the thread is in.
    #[serde(default)]
    pub root: bool,
}
