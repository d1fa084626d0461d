//! A relation planner's call with the session's context, which answers on the thread that plans.

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use datafusion_plugin_api::{
    abi::{CallError, Parcel, PlanHostObject, Planned, RelationPlannerObject, lend},
    df55::{planners::HostPlanner, plans::HostObjects},
};

use crate::{import::origin::Origin, threads::NoAnswer};

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
    let limits = origin.plugin().limits();
    let Some(limit) = limits.planning else {
        return lend(answers, |lent| {
            let context = Some(Arc::new(move |request| lent.call(request)) as _);
            let host = PlanHostObject::new(HostPlanner { objects, context });
            planner.plan(request, host)
        });
    };
    let deadline = Instant::now() + limit;
    let (said, hears) = mpsc::channel();
    let asks = said.clone();
    let ask = move |request| {
        let over = || CallError::contract("the planner's context was used after its call");
        let (reply, answer) = mpsc::channel();
        let asked = asks.send(Said::Question(request, reply));
        asked.map_err(|_| over())?;
        answer.recv().map_err(|_| over())?
    };
    let context = Some(Arc::new(ask) as _);
    let host = PlanHostObject::new(HostPlanner { objects, context });
    let planner = Arc::clone(planner);
    let started = limits.threads.start(move || {
        // Nobody hears it when the time was up.
        drop(said.send(Said::Answer(planner.plan(request, host))));
    });
    let given_up = started?;
    loop {
        match hears.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            // Whoever asked may be gone.
            Ok(Said::Question(request, reply)) => drop(reply.send(answers(request))),
            Ok(Said::Answer(planned)) => return planned,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                limits.threads.give_up(&given_up);
                return Err(NoAnswer::TooSlow(limit).into());
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(NoAnswer::Ended.into()),
        }
    }
}
