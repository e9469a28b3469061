//! How much of the world a check looks at.

use taskbox_models::RunWhen;

/// The most tasks that a model can have.
pub const MOST_TASKS: usize = 4;

/// The most workers that a model can have.
pub const MOST_WORKERS: usize = 3;

/// The most often that a task can be claimed.
pub const MOST_CLAIMS: u8 = 7;

/// What there can be, and how often it can be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// What it shows, in a few words.
    pub name: &'static str,
    /// The tasks that can be made, [`MOST_TASKS`] at the most.
    pub tasks: Vec<Plan>,
    /// How many workers there are, [`MOST_WORKERS`] at the most.
    pub workers: usize,
    /// How often each task can be claimed, [`MOST_CLAIMS`] times at the most.
    pub claims: u8,
    /// How often a task is taken back from a dead worker; the next time it fails.
    pub max_recoveries: u8,
    /// Whether leases end, programs die, and answers are lost.
    pub has_faults: bool,
}

/// A task that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether it is of the pipeline; otherwise it is a task of its own.
    pub in_pipeline: bool,
    /// The tasks that it waits for, by their places in [`Size::tasks`], all of them before its own.
    pub after: Vec<usize>,
    /// Which ends of theirs it needs.
    pub run_when: RunWhen,
    /// How many attempts it has.
    pub max_attempts: u8,
}

impl Plan {
    /// A task of its own.
    #[must_use]
    pub fn standalone(max_attempts: u8) -> Self {
        Self {
            in_pipeline: false,
            after: Vec::new(),
            run_when: RunWhen::AllCompleted,
            max_attempts,
        }
    }

    /// A task of the pipeline that waits for none.
    #[must_use]
    pub fn root(max_attempts: u8) -> Self {
        Self {
            in_pipeline: true,
            ..Self::standalone(max_attempts)
        }
    }

    /// A task of the pipeline that waits for others, and has one attempt.
    #[must_use]
    pub fn after(after: &[usize], run_when: RunWhen) -> Self {
        Self {
            after: after.to_vec(),
            run_when,
            ..Self::root(1)
        }
    }
}

impl Size {
    /// What `cargo test` checks: each a part of the protocol by itself, the smallest first.
    #[must_use]
    pub fn small() -> Vec<Self> {
        let (all_completed, all_done) = (RunWhen::AllCompleted, RunWhen::AllDone);
        let root = || Plan::root(1);
        let after = Plan::after;
        vec![
            Self {
                claims: 2,
                max_recoveries: 1,
                ..Self::graph("a pipeline of one task", vec![Plan::root(2)])
            },
            Self::graph(
                "a task after another",
                vec![root(), after(&[0], all_completed)],
            ),
            Self {
                has_faults: false,
                ..Self::graph(
                    "a task after two",
                    vec![root(), root(), after(&[0, 1], all_completed)],
                )
            },
            Self {
                has_faults: false,
                ..Self::graph(
                    "a skip that passes on",
                    vec![
                        root(),
                        after(&[0], all_completed),
                        after(&[1], all_completed),
                    ],
                )
            },
            Self {
                has_faults: false,
                ..Self::graph(
                    "a skip that is an end",
                    vec![root(), after(&[0], all_completed), after(&[1], all_done)],
                )
            },
            Self {
                workers: 2,
                claims: 2,
                max_recoveries: 1,
                ..Self::graph("a task and two workers", vec![Plan::standalone(2)])
            },
        ]
    }

    /// Tasks of a pipeline and one worker, each task claimed once.
    fn graph(name: &'static str, tasks: Vec<Plan>) -> Self {
        Self {
            name,
            tasks,
            workers: 1,
            claims: 1,
            max_recoveries: 0,
            has_faults: true,
        }
    }

    /// What takes minutes or hours.
    #[must_use]
    pub fn large() -> Vec<Self> {
        let (all_completed, all_done) = (RunWhen::AllCompleted, RunWhen::AllDone);
        let after = Plan::after;
        let by_two = |name, tasks| Self {
            workers: 2,
            claims: 2,
            max_recoveries: 1,
            ..Self::graph(name, tasks)
        };
        vec![
            Self {
                has_faults: false,
                ..Self::graph(
                    "four tasks in a graph",
                    vec![
                        Plan::root(1),
                        after(&[0], all_completed),
                        after(&[1], all_completed),
                        after(&[1], all_done),
                    ],
                )
            },
            by_two(
                "a task after another, and two workers",
                vec![Plan::root(2), after(&[0], all_completed)],
            ),
            by_two(
                "a task after another, one of its own, and two workers",
                vec![
                    Plan::root(2),
                    after(&[0], all_completed),
                    Plan::standalone(1),
                ],
            ),
        ]
    }
}
