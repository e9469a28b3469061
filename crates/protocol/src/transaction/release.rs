//! What the end of tasks, and their return, mean for those that wait for them.

use taskbox_models::{RunWhen, TaskStatus, Transition};

use super::{Given, Transaction};
use crate::{Mutation, Plan};

/// How a task is skipped that waited for another.
const FOR_ANOTHER: Given = Given {
    worker: None,
    has_delay: false,
    is_for_another: true,
};

impl Transaction<'_> {
    /// Skips the tasks that will never be ready now, and makes those ready that wait for no more. Skips pass on.
    pub(super) fn release_dependents(&mut self, mut ended: Vec<usize>) {
        if self.is(Mutation::EndReleasesNothing) {
            return;
        }
        let doomed = self.doomed(&ended);
        self.apply_alone(Transition::Skip, &doomed, FOR_ANOTHER);
        if self.is(Mutation::SkipsCountTwice) {
            ended.extend(&doomed);
        }
        if !self.is(Mutation::SkipsDoNotCount) {
            ended.extend(doomed);
        }
        let ready = self.count_down(&ended);
        self.apply_alone(Transition::MarkReady, &ready, Given::default());
    }

    /// Those that need one of these to complete that did not, and those that need one of them.
    fn doomed(&self, ended: &[usize]) -> Vec<usize> {
        let did_not_complete =
            |task: &usize| self.database.status(*task) != Some(TaskStatus::Completed);
        let failed: Vec<usize> = ended.iter().copied().filter(did_not_complete).collect();
        let passes_on = !self.is(Mutation::SkipsDoNotPassOn);
        let mut doomed = Vec::new();
        for (task, plan) in self.waiting() {
            let is_hit = |id: &usize| failed.contains(id) || passes_on && doomed.contains(id);
            if plan.run_when == RunWhen::AllCompleted && plan.after.iter().any(is_hit) {
                doomed.push(task);
            }
        }
        doomed
    }

    /// The tasks that are `NotStarted`, each after those that it waits for.
    fn waiting(&self) -> impl Iterator<Item = (usize, &Plan)> {
        let plans = self.protocol.size.tasks.iter().enumerate();
        plans.filter(|(task, _)| self.database.status(*task) == Some(TaskStatus::NotStarted))
    }

    /// Counts the end of these tasks in those that wait for them, and answers with the ones that wait for no more.
    fn count_down(&mut self, ended: &[usize]) -> Vec<usize> {
        let mut ready = Vec::new();
        for (task, plan) in self.protocol.size.tasks.iter().enumerate() {
            let count: i8 = ended
                .iter()
                .map(|id| i8::from(plan.after.contains(id)))
                .sum();
            let row = self.database.tasks[task].as_mut();
            let Some(row) = row.filter(|row| count > 0 && !row.status.is_terminal()) else {
                continue;
            };
            row.open_dependencies -= count;
            if row.status == TaskStatus::NotStarted && row.open_dependencies == 0 {
                ready.push(task);
            }
        }
        ready
    }

    /// Resets what was skipped because of tasks that are brought back, and counts anew what waits for any of them.
    pub(super) fn wait_again(&mut self, mut back: Vec<usize>) {
        let reset = self.skipped_for(&back);
        self.apply_alone(Transition::Reset, &reset, Given::default());
        back.extend(reset);
        if !self.is(Mutation::RedriveDoesNotRecount) {
            self.recount(&back);
        }
    }

    /// The tasks that were skipped because of these or of one another, and in whose way no other task stands.
    fn skipped_for(&self, back: &[usize]) -> Vec<usize> {
        let mut reset: Vec<usize> = Vec::new();
        if self.is(Mutation::RedriveResetsNothing) {
            return reset;
        }
        for (task, plan) in self.protocol.size.tasks.iter().enumerate() {
            let Some(row) = self.database.tasks[task] else {
                continue;
            };
            let passes_on = !self.is(Mutation::ResetsDoNotPassOn);
            let is_back = |id: &usize| back.contains(id) || passes_on && reset.contains(id);
            let is_skipped = row.status == TaskStatus::Skipped
                && (row.is_skipped_for_another || self.is(Mutation::RedriveResetsSkipsByHand));
            let is_free = self.is(Mutation::ResetIgnoresOthers)
                || !plan
                    .after
                    .iter()
                    .any(|id| !reset.contains(id) && self.stands_in_the_way(*id));
            if is_skipped && plan.after.iter().any(is_back) && is_free {
                reset.push(task);
            }
        }
        reset
    }

    fn stands_in_the_way(&self, task: usize) -> bool {
        let status = self.database.status(task);
        status.is_some_and(|status| status.is_terminal() && status != TaskStatus::Completed)
    }

    /// Counts anew in these tasks, and in those that wait for them, how many dependencies have not ended.
    fn recount(&mut self, tasks: &[usize]) {
        for (task, plan) in self.protocol.size.tasks.iter().enumerate() {
            let concerns = tasks.contains(&task) || plan.after.iter().any(|id| tasks.contains(id));
            let open = self.open_dependencies(plan);
            let row = self.database.tasks[task].as_mut();
            if let Some(row) = row.filter(|row| concerns && !row.status.is_terminal()) {
                row.open_dependencies = open;
            }
        }
    }

    /// How many of the tasks that it waits for have not ended.
    fn open_dependencies(&self, plan: &Plan) -> i8 {
        let is_open = |id: &usize| {
            let status = self.database.status(*id);
            i8::from(status.is_some_and(|status| !status.is_terminal()))
        };
        plan.after.iter().map(is_open).sum()
    }

    /// Makes a task, if those that it waits for are there and the pipeline takes it.
    pub(crate) fn create(&mut self, task: usize) -> bool {
        let plan = &self.protocol.size.tasks[task];
        let is_missing = |id: &usize| self.database.tasks[*id].is_none();
        if !is_missing(&task) || plan.after.iter().any(is_missing) {
            return false;
        }
        let open = if self.is(Mutation::CreateCountsEndedDependencies) {
            plan.after.iter().map(|_| 1).sum()
        } else {
            self.open_dependencies(plan)
        };
        if !self.insert(task, open) {
            return false;
        }
        let fails = plan.after.iter().any(|id| self.stands_in_the_way(*id));
        if fails && plan.run_when == RunWhen::AllCompleted {
            self.apply_alone(Transition::Skip, &[task], FOR_ANOTHER);
            self.release_dependents(vec![task]);
        } else if open == 0 && !plan.after.is_empty() {
            self.apply_alone(Transition::MarkReady, &[task], Given::default());
        }
        true
    }
}
