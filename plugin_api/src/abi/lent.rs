//! A closure that lives no longer than a call, behind an object that may live longer.

use std::{
    cell::Cell,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, ThreadId},
};

use super::{CallError, Parcel};

type Reply = Result<Parcel, CallError>;

/// A closure that [`lend`] lent: callable on the lending thread while the loan lasts.
#[derive(Clone)]
pub struct LentCall(Arc<Slot>);

struct Slot {
    thread: ThreadId,
    /// Empty once the loan is over, and while a call is under way.
    call: Mutex<Option<Pointer>>,
}

/// A closure, as if it lived for ever.
type Call = dyn FnMut(Parcel) -> Reply;

struct Pointer(*mut Call);

// SAFETY: the pointer is used on the thread that it comes from alone; elsewhere it is moved and
// dropped, which does nothing.
unsafe impl Send for Pointer {}

/// Runs `body` with a loan of `call`, which ends with it.
pub fn lend<R>(call: &mut dyn FnMut(Parcel) -> Reply, body: impl FnOnce(LentCall) -> R) -> R {
    struct Ends<'a>(&'a Slot);

    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            let mut call = self.0.call.lock().unwrap_or_else(PoisonError::into_inner);
            *call = None;
        }
    }

    let pointer: *mut (dyn FnMut(Parcel) -> Reply + '_) = call;
    // SAFETY: the lifetime alone changes. `Ends` takes the pointer back before the borrow of `call`
    // ends, also when `body` unwinds, and whoever calls holds up the thread that `body` runs on.
    let pointer: *mut Call = unsafe { std::mem::transmute(pointer) };
    let slot = Arc::new(Slot {
        thread: thread::current().id(),
        call: Mutex::new(Some(Pointer(pointer))),
    });
    let _ends = Ends(&slot);
    body(LentCall(Arc::clone(&slot)))
}

impl LentCall {
    /// Calls the closure.
    ///
    /// # Errors
    /// The closure's; a breach of the contract on another thread, inside of another call, and when
    /// the loan is over.
    pub fn call(&self, request: Parcel) -> Reply {
        struct PutsBack<'a>(&'a Slot, Cell<Option<Pointer>>);

        impl Drop for PutsBack<'_> {
            fn drop(&mut self) {
                let mut call = self.0.call.lock().unwrap_or_else(PoisonError::into_inner);
                *call = self.1.take();
            }
        }

        let slot = &*self.0;
        if thread::current().id() != slot.thread {
            return Err(CallError::contract(
                "the planner's context was used on a thread that is not the planner's",
            ));
        }
        let taken = slot
            .call
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Pointer(pointer)) = taken else {
            return Err(CallError::contract(
                "the planner's context was used after its call, or inside of a call of its own",
            ));
        };
        let _puts_back = PutsBack(slot, Cell::new(Some(Pointer(pointer))));
        // SAFETY: the loan lasts: it ends on this thread, after this call. The slot is empty, so
        // nobody else has the closure.
        (unsafe { &mut *pointer })(request)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn empty() -> Parcel {
        Parcel::of(&()).unwrap()
    }

    #[test]
    fn a_loan_ends_with_its_call() {
        let mut calls = 0;
        let kept = lend(
            &mut |request| {
                calls += 1;
                Ok(request)
            },
            |lent| {
                lent.call(empty()).unwrap();
                lent.call(empty()).unwrap();
                lent
            },
        );
        assert_eq!(calls, 2);
        let error = kept.call(empty()).unwrap_err();
        assert!(error.message().contains("after its call"), "{error}");
    }

    #[test]
    fn a_loan_ends_when_its_body_unwinds() {
        let kept = Mutex::new(None);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            lend(&mut |request| Ok(request), |lent| {
                *kept.lock().unwrap() = Some(lent);
                panic!("on purpose");
            })
        }));
        assert!(unwound.is_err());
        let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        assert!(kept.unwrap().call(empty()).is_err());
    }

    #[test]
    fn a_loan_is_no_other_threads() {
        lend(&mut |request| Ok(request), |lent| {
            let error = thread::scope(|scope| {
                let elsewhere = lent.clone();
                scope
                    .spawn(move || elsewhere.call(empty()).unwrap_err())
                    .join()
                    .unwrap()
            });
            assert!(error.message().contains("thread"), "{error}");
            lent.call(empty()).unwrap();
        });
    }

    #[test]
    fn a_call_inside_of_a_call_is_refused() {
        let inner: Mutex<Option<LentCall>> = Mutex::new(None);
        let mut call = |request: Parcel| {
            let error = inner
                .lock()
                .unwrap()
                .as_ref()
                .unwrap()
                .call(empty())
                .unwrap_err();
            assert!(error.message().contains("inside of a call"), "{error}");
            Ok(request)
        };
        lend(&mut call, |lent| {
            *inner.lock().unwrap() = Some(lent.clone());
            lent.call(empty()).unwrap();
            lent.call(empty()).unwrap();
        });
    }
}
