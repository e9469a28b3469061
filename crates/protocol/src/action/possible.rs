//! Which steps there are in a state.

use super::{Action, End, OnPipeline, OnTask, OnWorker, Reply};
use crate::{ClaimRow, Size, World};

/// Every step that may do something in this world.
pub(crate) fn possible(size: &Size, world: &World, actions: &mut Vec<Action>) {
    use {OnPipeline as P, OnTask as T, OnWorker as W};
    actions.extend([P::Pause, P::Resume, P::Cancel].map(Action::Pipeline));
    for task in 0..size.tasks.len() {
        if world.database.tasks[task].is_none() {
            actions.push(Action::Task(T::Create, task));
            continue;
        }
        let calls = [
            T::MarkReady,
            T::Schedule,
            T::Promote,
            T::Skip,
            T::Cancel,
            T::Redrive,
            T::Recover,
        ];
        actions.extend(calls.map(|call| Action::Task(call, task)));
    }
    for worker in 0..size.workers {
        let is_alive = world.processes[worker].is_alive;
        let events: &[W] = match (is_alive, size.has_faults) {
            (true, true) => W::ALL,
            (true, false) => &[W::Register, W::Heartbeat, W::Deregister],
            (false, _) => &[W::Register, W::Expire, W::Forget],
        };
        let events = events.iter().map(|event| Action::Worker(*event, worker));
        actions.extend(events);
        if is_alive {
            by_process(size, world, worker, actions);
        }
    }
}

/// The claims that a program makes, and the ends of those in its hands.
fn by_process(size: &Size, world: &World, worker: usize, actions: &mut Vec<Action>) {
    let replies = [Reply::Heard, Reply::Lost];
    let replies = &replies[..if size.has_faults { 2 } else { 1 }];
    for (task, row) in world.database.made() {
        for reply in replies.iter().copied() {
            if row.epoch < size.claims {
                actions.push(Action::Claim {
                    worker,
                    task,
                    reply,
                });
            }
            for epoch in world.processes[worker].epochs(task) {
                let claim = ClaimRow { worker, epoch };
                actions.extend(End::ALL.map(|end| Action::End {
                    end,
                    task,
                    claim,
                    reply,
                }));
            }
        }
    }
}
