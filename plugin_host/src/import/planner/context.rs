//! A relation planner's call with the session's context, which answers on the thread that plans.

use std::{
    cell::Cell,
    sync::{Arc, OnceLock, mpsc},
    thread::{self, ThreadId},
};

use datafusion_plugin_api::{
    abi::{CallError, ErrorKind, Parcel, PlanHostObject, Planned, RelationPlannerObject, lend},
    df55::{planners::HostPlanner, plans::HostObjects},
};

use super::Answering;
use crate::{import::origin::Origin, threads::answering};

/// Within how many planners' questions one may be asked. A planner that asks for its own relation would take the stack
/// of the thread that plans, and a thread for each level; SQL that DataFusion parses by default has fewer.
const LEVELS: usize = 32;

type Reply = Result<Parcel, CallError>;

/// What comes from the thread that the planner runs on.
enum Said {
    Question(Parcel, mpsc::Sender<Reply>),
    Answer(Result<Planned, CallError>),
}

/// Asks the planner, whose questions `answers` answers here.
pub(super) fn plan_with(
    origin: &Origin,
    planner: &Arc<RelationPlannerObject>,
    objects: Arc<HostObjects>,
    request: Parcel,
    answers: &mut dyn FnMut(Parcel) -> Reply,
) -> Result<Planned, CallError> {
    let _level = Level::enter()?;
    let limits = origin.plugin().limits();
    let Some(limit) = limits.planning else {
        return lend(answers, |lent| {
            let context = Some(Arc::new(move |request| lent.call(request)) as _);
            let host = PlanHostObject::new(HostPlanner { objects, context });
            planner.plan(request, host)
        });
    };
    let (said, hears) = mpsc::channel();
    let asks = said.clone();
    let its_thread: Arc<OnceLock<ThreadId>> = Arc::default();
    let here = Arc::clone(&its_thread);
    let ask = move |request| {
        // As without a limit; and only this thread is lent while it waits.
        if here.get() != Some(&thread::current().id()) {
            return Err(CallError::contract(
                "the planner's context was used on a thread that is not the planner's",
            ));
        }
        let over = || CallError::contract("the planner's context was used after its call");
        answering(|| {
            let (reply, answer) = mpsc::channel();
            let asked = asks.send(Said::Question(request, reply));
            asked.map_err(|_| over())?;
            answer.recv().map_err(|_| over())?
        })
    };
    let context = Some(Arc::new(ask) as _);
    let host = PlanHostObject::new(Answering(HostPlanner { objects, context }));
    let planner = Arc::clone(planner);
    let call = limits.threads.start(move || {
        its_thread.get_or_init(|| thread::current().id());
        // Nobody hears it when the time was up.
        drop(said.send(Said::Answer(planner.plan(request, host))));
    })?;
    loop {
        match limits.threads.hear(&call, limit, &hears)? {
            // Whoever asked may be gone.
            Said::Question(request, reply) => drop(reply.send(answers(request))),
            Said::Answer(planned) => return planned,
        }
    }
}

thread_local! {
    static LEVEL: Cell<usize> = const { Cell::new(0) };
}

/// One more planner within the others on this thread.
struct Level;

impl Level {
    fn enter() -> Result<Self, CallError> {
        let level = LEVEL.get();
        if level >= LEVELS {
            return Err(CallError::new(
                ErrorKind::Plan,
                format!("relation planners ask within each other on more than {LEVELS} levels"),
            ));
        }
        LEVEL.set(level + 1);
        Ok(Self)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        LEVEL.set(LEVEL.get() - 1);
    }
}
