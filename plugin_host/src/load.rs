//! Opening a library: the one place of the host that trusts what it was told about a file.

#![allow(unsafe_code)]

use std::{
    collections::BTreeMap,
    ffi::c_void,
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use abi_stable::library::{AbiHeaderRef, LibraryError};
use datafusion_plugin_api::abi::{PluginModuleRef, ROOT_SYMBOL};
use thiserror::Error;

use crate::trust::Snapshot;

/// Why a library could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The system's loader refused it.
    #[error("the system cannot load the library: {}", cause(.0))]
    Open(#[source] libloading::Error),
    /// Its path cannot be made absolute.
    #[error("the library's path cannot be made absolute: {0}")]
    Path(#[source] std::io::Error),
    /// It has a manifest but no entry.
    #[error("the library has no symbol '{ROOT_SYMBOL}', which a plugin exports: {}", cause(.0))]
    NoEntry(#[source] libloading::Error),
    /// Its entry has another layout than the host's contract.
    #[error("the library's entry does not have the layout of the contract: {0}")]
    Layout(String),
}

/// What the system said; the error itself names the call alone.
fn cause(error: &libloading::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

/// What was opened from snapshots and stays mapped, by digest. Opening runs code of the plugin, which may
/// block: the lock is not held meanwhile.
static OPENED: Mutex<BTreeMap<String, State>> = Mutex::new(BTreeMap::new());
/// Told whenever one has been opened.
static DONE: Condvar = Condvar::new();

enum State {
    /// By another thread, just now.
    Opening,
    /// Or why the layout of its entry was refused.
    Mapped(Result<Opened, String>),
}

/// The entry of a library that is mapped.
#[derive(Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) module: PluginModuleRef,
    pub(crate) library: Option<Library>,
}

/// A library that is mapped, by the start of its mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Library(usize);

/// The library that has code at this address. Nothing where the system does not say.
#[cfg(unix)]
pub(crate) fn library_of(code: usize) -> Option<Library> {
    use std::{ffi::c_char, ffi::c_int, ptr};

    /// The system's `Dl_info`.
    #[repr(C)]
    struct Info {
        file: *const c_char,
        base: *mut c_void,
        symbol: *const c_char,
        address: *mut c_void,
    }
    unsafe extern "C" {
        fn dladdr(address: *const c_void, info: *mut Info) -> c_int;
    }
    let mut info = Info {
        file: ptr::null(),
        base: ptr::null_mut(),
        symbol: ptr::null(),
        address: ptr::null_mut(),
    };
    // SAFETY: any address may be asked for; `info` has the layout of what the system fills in.
    let found = unsafe { dladdr(ptr::without_provenance(code), &raw mut info) };
    (found != 0).then(|| Library(info.base.addr()))
}

#[cfg(not(unix))]
pub(crate) fn library_of(_code: usize) -> Option<Library> {
    None
}

/// The library or program that the host is in, and what is linked into it.
pub(crate) fn own_library() -> Option<Library> {
    library_of(own_library as fn() -> Option<Library> as usize)
}

fn opened() -> MutexGuard<'static, BTreeMap<String, State>> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a snapshot of this digest is mapped, or being mapped. Never waits for a plugin.
pub(crate) fn is_mapped(sha256: &str) -> bool {
    opened().contains_key(sha256)
}

/// An opening that is under way; it is one no more when this is dropped.
struct Opening {
    sha256: String,
    mapped: Option<Result<Opened, String>>,
}

impl Drop for Opening {
    fn drop(&mut self) {
        let sha256 = std::mem::take(&mut self.sha256);
        match self.mapped.take() {
            Some(mapped) => drop(opened().insert(sha256, State::Mapped(mapped))),
            None => drop(opened().remove(&sha256)),
        }
        DONE.notify_all();
    }
}

/// Opens what was checked, as [`open`] does a file. The same bytes are mapped once in a process, however
/// often they are opened: who comes while they are being opened waits.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_snapshot(snapshot: Snapshot) -> Result<Opened, LoadError> {
    let mut known = opened();
    loop {
        match known.get(snapshot.sha256()) {
            Some(State::Mapped(entry)) => return entry.clone().map_err(LoadError::Layout),
            Some(State::Opening) => {
                known = DONE.wait(known).unwrap_or_else(PoisonError::into_inner);
            }
            None => break,
        }
    }
    known.insert(snapshot.sha256().to_owned(), State::Opening);
    drop(known);
    let mut opening = Opening {
        sha256: snapshot.sha256().to_owned(),
        mapped: None,
    };
    let entry = open(snapshot.path());
    opening.mapped = match &entry {
        Ok(entry) => Some(Ok(*entry)),
        Err(LoadError::Layout(problem)) => Some(Err(problem.clone())),
        Err(_) => None,
    };
    // Its library may be mapped even where its entry was refused.
    snapshot.into_held().keep();
    entry
}

/// Opens the library by itself, all symbols resolved now and visible to it alone, and checks the
/// layout of its entry. The library stays mapped for the life of the process: code of it may run
/// in thread-local destructors at any time.
///
/// # Errors
/// A [`LoadError`]; the library's initialisers may have run by then.
pub(crate) fn open(path: &Path) -> Result<Opened, LoadError> {
    // A path of one part is searched for like a system library.
    let path = std::path::absolute(path).map_err(LoadError::Path)?;
    // SAFETY: running a library's initialisers is what loading a plugin means; the caller has
    // judged its manifest before.
    let library = unsafe { open_now(&path) }.map_err(LoadError::Open)?;
    // SAFETY: a symbol of this name is, by the contract, a static `LibHeader`, whose start is an
    // `AbiHeader`; its magic is checked before anything else is read.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_SYMBOL.as_bytes()) }
        .map(|symbol| *symbol)
        .map_err(LoadError::NoEntry)?;
    // SAFETY: of the symbol nothing but its address is looked at.
    let entry = unsafe { library.get::<*const c_void>(ROOT_SYMBOL.as_bytes()) };
    let entry = entry.map(|symbol| (*symbol).addr());
    let entry = entry.map_err(LoadError::NoEntry)?;
    std::mem::forget(library);
    let layout = |error: LibraryError| LoadError::Layout(error.to_string());
    // Each library's own header: abi_stable's loader would return the first one loaded for all.
    let module = header
        .upgrade()
        .map_err(layout)?
        .init_root_module::<PluginModuleRef>()
        .map_err(layout)?;
    Ok(Opened {
        module,
        library: library_of(entry),
    })
}

/// # Safety
/// The library's initialisers run: it must have been judged.
#[cfg(unix)]
unsafe fn open_now(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: the caller's.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

/// # Safety
/// As on Unix.
#[cfg(not(unix))]
unsafe fn open_now(path: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: the caller's.
    unsafe { libloading::Library::new(path) }
}
