//! Errors as they cross: kind, message, context and origin.

use std::fmt;

use abi_stable::{
    StableAbi,
    std_types::{RBox, RString, RVec},
};

/// The kind of a [`CallError`], by number: kinds of a later minor arrive as numbers that an older
/// side does not know, and are treated as [`ErrorKind::External`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorKind {
    /// An error of a third library, carried by its message.
    External = 0,
    /// Arrow computation failed.
    Arrow = 1,
    /// Reading or writing Parquet failed.
    Parquet = 2,
    /// Access to an object store failed.
    ObjectStore = 3,
    /// Input or output failed.
    Io = 4,
    /// SQL does not parse.
    Sql = 5,
    /// The feature is not implemented.
    NotImplemented = 6,
    /// A bug: an invariant does not hold.
    Internal = 7,
    /// The query cannot be planned.
    Plan = 8,
    /// A setting is wrong.
    Configuration = 9,
    /// A column is missing, ambiguous or duplicated.
    Schema = 10,
    /// The query failed while running.
    Execution = 11,
    /// A spawned task failed.
    ExecutionJoin = 12,
    /// A memory or other limit is reached.
    ResourcesExhausted = 13,
    /// Substrait conversion failed.
    Substrait = 14,
    /// An error at a foreign function interface.
    Ffi = 15,
    /// The author's code panicked; the panic was contained.
    Panic = 16,
    /// A side broke the contract: a value that was promised otherwise, an unreadable message.
    Contract = 17,
    /// Several errors; the links after the first hold them.
    Collection = 18,
}

impl ErrorKind {
    const ALL: [ErrorKind; 19] = [
        Self::External,
        Self::Arrow,
        Self::Parquet,
        Self::ObjectStore,
        Self::Io,
        Self::Sql,
        Self::NotImplemented,
        Self::Internal,
        Self::Plan,
        Self::Configuration,
        Self::Schema,
        Self::Execution,
        Self::ExecutionJoin,
        Self::ResourcesExhausted,
        Self::Substrait,
        Self::Ffi,
        Self::Panic,
        Self::Contract,
        Self::Collection,
    ];

    fn from_code(code: u32) -> Self {
        Self::ALL
            .get(code as usize)
            .copied()
            .unwrap_or(Self::External)
    }
}

/// The detail of an internal error that is a broken promise.
const BROKEN_PROMISE: u32 = 1;

/// The detail of an execution error that stands for a call that was not made.
const NOT_CALLED: u32 = u32::from_be_bytes(*b"quar");

/// One further part of an error: a context around it, or a member of a collection.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq)]
pub struct ErrorLink {
    code: u32,
    detail: u32,
    message: RString,
}

impl ErrorLink {
    /// A link of a given kind.
    pub fn new(kind: ErrorKind, detail: u32, message: impl Into<String>) -> Self {
        Self {
            code: kind as u32,
            detail,
            message: message.into().into(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::from_code(self.code)
    }

    /// The finer kind inside [`Self::kind`], 0 where there is none.
    pub fn detail(&self) -> u32 {
        self.detail
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Where an error came from.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The plugin, empty when the host itself raised the error.
    pub plugin: RString,
    /// The function, table or other item, empty when unknown.
    pub item: RString,
    /// The method of the contract that was called.
    pub method: RString,
    /// `file:line:column` of a panic, empty otherwise.
    pub location: RString,
}

#[doc(hidden)]
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq)]
pub struct Body {
    head: ErrorLink,
    /// From the outermost context to the innermost, or the members of a collection.
    links: RVec<ErrorLink>,
    origin: Origin,
}

/// An error that crosses the boundary: one pointer wide, so that success stays cheap.
#[repr(transparent)]
#[derive(StableAbi)]
pub struct CallError(RBox<Body>);

impl CallError {
    /// An error of a kind with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::with_detail(kind, 0, message)
    }

    /// An error whose kind is refined by `detail` (which Arrow error, which I/O error).
    pub fn with_detail(kind: ErrorKind, detail: u32, message: impl Into<String>) -> Self {
        Self(RBox::new(Body {
            head: ErrorLink::new(kind, detail, message),
            links: RVec::new(),
            origin: Origin::default(),
        }))
    }

    /// A breach of the contract by either side.
    pub fn contract(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Contract, message)
    }

    /// An answer of the author's that is not what the author promised. Linked in, it would be an internal
    /// error of DataFusion's, and so it is one here.
    pub fn broken_promise(message: impl Into<String>) -> Self {
        Self::with_detail(ErrorKind::Internal, BROKEN_PROMISE, message)
    }

    /// Whether a side broke the contract, or a promise that it made.
    pub fn is_violation(&self) -> bool {
        match self.kind() {
            ErrorKind::Contract => true,
            ErrorKind::Internal => self.detail() == BROKEN_PROMISE,
            _ => false,
        }
    }

    /// The error of a call that the host did not make. DataFusion has no kind of its own for it.
    pub fn not_called(message: impl Into<String>) -> Self {
        Self::with_detail(ErrorKind::Execution, NOT_CALLED, message)
    }

    /// Whether there was no call. An error that came out of a call never says so.
    pub fn is_not_called(&self) -> bool {
        self.kind() == ErrorKind::Execution && self.detail() == NOT_CALLED
    }

    /// An error as the caller has it: that there was no call is the caller's alone to say.
    pub(crate) fn of_call(mut self) -> Self {
        if self.is_not_called() {
            self.0.head.detail = 0;
        }
        self
    }

    /// The error's kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.head.kind()
    }

    /// The finer kind, see [`CallError::with_detail`].
    pub fn detail(&self) -> u32 {
        self.0.head.detail
    }

    /// The error's own message, without contexts.
    pub fn message(&self) -> &str {
        &self.0.head.message
    }

    /// Contexts from the outermost to the innermost, or the members of a collection.
    pub fn links(&self) -> &[ErrorLink] {
        &self.0.links
    }

    /// Replaces the links.
    pub fn with_links(mut self, links: Vec<ErrorLink>) -> Self {
        self.0.links = links.into();
        self
    }

    /// Where the error came from.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Names the plugin that was called, whatever the error says, which is the plugin's to choose. The item of
    /// another plugin goes with its name.
    #[must_use]
    pub fn attributed_to(mut self, plugin: &str) -> Self {
        let origin = &mut self.0.origin;
        if origin.plugin.as_str() != plugin {
            if !origin.plugin.is_empty() {
                origin.item.clear();
            }
            origin.plugin = plugin.into();
        }
        self
    }

    /// Fills in the origin's parts that are still empty: the innermost caller knows best.
    pub fn at(mut self, plugin: &str, item: &str, method: &str, location: &str) -> Self {
        let origin = &mut self.0.origin;
        for (slot, value) in [
            (&mut origin.plugin, plugin),
            (&mut origin.item, item),
            (&mut origin.method, method),
            (&mut origin.location, location),
        ] {
            if slot.is_empty() {
                *slot = value.into();
            }
        }
        self
    }
}

impl Clone for CallError {
    fn clone(&self) -> Self {
        Self(RBox::new((*self.0).clone()))
    }
}

impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin {
            plugin,
            item,
            method,
            location,
        } = self.origin();
        if !plugin.is_empty() {
            write!(f, "plugin '{plugin}'")?;
            if !item.is_empty() {
                write!(f, ", '{item}'")?;
            }
            f.write_str(": ")?;
        }
        if self.kind() == ErrorKind::Panic {
            write!(f, "panic in {method} at {location}: {}", self.message())
        } else {
            f.write_str(self.message())
        }
    }
}

impl std::error::Error for CallError {}
