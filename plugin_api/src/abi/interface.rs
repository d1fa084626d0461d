//! `interface!`: trait, function table and object of one capability from one declaration.

/// Bound of interfaces that many threads call at once.
pub trait Shared: Send + Sync {}
impl<T: Send + Sync> Shared for T {}

/// Bound of interfaces that one caller uses at a time.
pub trait Exclusive: Send {}
impl<T: Send> Exclusive for T {}

/// Declares an interface of the contract.
///
/// Methods stand in `ref` blocks (called through `&self`) and `mut` blocks (through `&mut self`).
/// `release` closes the prefix that every version of a contract major has: a method of a later minor
/// becomes a field after it, which may be missing, and never moves one before it.
macro_rules! interface {
    (
        $(#[$doc:meta])*
        $flavor:ident trait $Trait:ident / $VTable:ident / $VTableRef:ident / $Object:ident;
        $( $kind:tt {
            $( $(#[$mdoc:meta])* fn $name:ident( $($arg:ident : $ty:ty),* $(,)? ) -> $ret:ty; )*
        } )*
    ) => {
        $(#[$doc])*
        ///
        /// Implemented by the side that provides it; the other side holds the object.
        pub trait $Trait: $crate::abi::interface::$flavor + 'static {
            /// The name by which errors from this object are attributed.
            fn item(&self) -> &str;
            $( interface! { @declare $kind $( $(#[$mdoc])* fn $name( $($arg : $ty),* ) -> $ret; )* } )*
        }

        #[doc(hidden)]
        #[repr(C)]
        #[derive(abi_stable::StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = $VTableRef)))]
        #[sabi(missing_field(option))]
        pub struct $VTable {
            $( $(
                pub $name: unsafe extern "C" fn(*mut core::ffi::c_void $(, $ty)*) -> $crate::abi::Reply<$ret>,
            )* )*
            #[sabi(last_prefix_field)]
            pub release: unsafe extern "C" fn(*mut core::ffi::c_void) -> $crate::abi::Reply<()>,
        }

        #[doc = concat!("An object of the other side that implements [`", stringify!($Trait), "`].")]
        ///
        /// Owns what it points to and releases it on drop, on the side that made it.
        #[repr(C)]
        #[derive(abi_stable::StableAbi)]
        pub struct $Object {
            instance: *mut core::ffi::c_void,
            vtable: $VTableRef,
        }

        const _: () = {
            use $crate::abi::{CallError, Reply, guard::{catch, guarded}};

            struct Shims<T>(core::marker::PhantomData<T>);

            impl<T: $Trait> Shims<T> {
                $( $(
                    unsafe extern "C" fn $name(this: *mut core::ffi::c_void $(, $arg: $ty)*) -> Reply<$ret> {
                        // SAFETY: `this` comes from `Box::into_raw` of a `T` in `new` below, is not
                        // released yet (the object owns it), and the object's receiver (`&self` or
                        // `&mut self`) gives the matching access.
                        let access = unsafe { interface!(@access $kind this, T) };
                        // SAFETY: read for its name alone, after the call has ended or unwound.
                        let item = || unsafe { (*this.cast::<T>()).item().to_owned() };
                        guarded(stringify!($name), item, move || access.$name($($arg),*))
                    }
                )* )*

                unsafe extern "C" fn release(this: *mut core::ffi::c_void) -> Reply<()> {
                    // SAFETY: as above; the object calls `release` once, from its `Drop`.
                    let owned = unsafe { Box::from_raw(this.cast::<T>()) };
                    // The name may be the author's to tell, who may panic there.
                    let item = catch(|| Ok(owned.item().to_owned())).unwrap_or_default();
                    guarded("drop", move || item, move || { drop(owned); Ok(()) })
                }

                const VTABLE: $VTable = $VTable {
                    $( $( $name: Self::$name, )* )*
                    release: Self::release,
                };

                abi_stable::staticref! {
                    const STATIC: abi_stable::prefix_type::WithMetadata<$VTable> =
                        abi_stable::prefix_type::WithMetadata::new(Self::VTABLE)
                }
            }

            impl $Object {
                /// Moves `implementation` to the heap and wraps it for the other side.
                pub fn new<T: $Trait>(implementation: T) -> Self {
                    Self {
                        instance: Box::into_raw(Box::new(implementation)).cast(),
                        vtable: $VTableRef(Shims::<T>::STATIC.as_prefix()),
                    }
                }
                $( interface! { @call $kind $( $(#[$mdoc])* fn $name( $($arg : $ty),* ) -> $ret; )* } )*
            }

            impl Drop for $Object {
                fn drop(&mut self) {
                    let release = self.vtable.release();
                    // SAFETY: `instance` was made by the side of `vtable` and is released only here.
                    let reply = unsafe { release(self.instance) };
                    if let Err(error) = reply.into_result() {
                        $crate::abi::guard::report_drop_failure(&error, release as usize);
                    }
                }
            }

            impl core::fmt::Debug for $Object {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.debug_struct(stringify!($Object)).finish_non_exhaustive()
                }
            }

            // SAFETY: `new` takes only implementations that are `Send`.
            unsafe impl Send for $Object {}
            interface! { @sync $flavor $Object }
        };
    };

    (@sync Shared $Object:ident) => {
        // SAFETY: `new` takes only implementations that are `Sync`.
        unsafe impl Sync for $Object {}
    };
    (@sync Exclusive $Object:ident) => {};

    (@access ref $this:ident, $T:ident) => { &*$this.cast::<$T>() };
    (@access mut $this:ident, $T:ident) => { &mut *$this.cast::<$T>() };

    (@declare ref $( $(#[$mdoc:meta])* fn $name:ident( $($arg:ident : $ty:ty),* ) -> $ret:ty; )*) => {
        $(
            $(#[$mdoc])*
            fn $name(&self $(, $arg: $ty)*) -> Result<$ret, $crate::abi::CallError>;
        )*
    };
    (@declare mut $( $(#[$mdoc:meta])* fn $name:ident( $($arg:ident : $ty:ty),* ) -> $ret:ty; )*) => {
        $(
            $(#[$mdoc])*
            fn $name(&mut self $(, $arg: $ty)*) -> Result<$ret, $crate::abi::CallError>;
        )*
    };

    (@call ref $( $(#[$mdoc:meta])* fn $name:ident( $($arg:ident : $ty:ty),* ) -> $ret:ty; )*) => {
        $(
            $(#[$mdoc])*
            ///
            /// # Errors
            /// The error of the other side, a contained panic among them.
            #[inline]
            pub fn $name(&self $(, $arg: $ty)*) -> Result<$ret, CallError> {
                // SAFETY: `instance` belongs to `vtable` and lives until `drop`.
                unsafe { (self.vtable.$name())(self.instance $(, $arg)*) }
                    .into_result()
                    .map_err(CallError::of_call)
            }
        )*
    };
    (@call mut $( $(#[$mdoc:meta])* fn $name:ident( $($arg:ident : $ty:ty),* ) -> $ret:ty; )*) => {
        $(
            $(#[$mdoc])*
            ///
            /// # Errors
            /// The error of the other side, a contained panic among them.
            #[inline]
            pub fn $name(&mut self $(, $arg: $ty)*) -> Result<$ret, CallError> {
                // SAFETY: `instance` belongs to `vtable` and lives until `drop`; `&mut self` makes
                // the access exclusive.
                unsafe { (self.vtable.$name())(self.instance $(, $arg)*) }
                    .into_result()
                    .map_err(CallError::of_call)
            }
        )*
    };
}
