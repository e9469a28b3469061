//! Who has tasks lead their lives.

use std::time::{Duration, Instant};

use taskbox_test_support::{Backend, TestDatabase};

use super::{dal::ByDal, postgres_sql, sqlite_sql};

/// A step of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    MarkReady,
    Claim,
    Complete,
}

impl Step {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::MarkReady, Self::Claim, Self::Complete];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::MarkReady => "mark_ready",
            Self::Claim => "claim",
            Self::Complete => "complete",
        }
    }
}

/// How long each step took, in the order of [`Step::ALL`].
pub(crate) type Life = [Duration; 4];

/// Each is connected, has a worker whose lease lasts, and keeps from one step to the next what that needs.
pub(crate) enum Contestant {
    Dal(ByDal),
    Postgres(postgres_sql::Floor),
    Sqlite(Box<sqlite_sql::Floor>),
}

impl Contestant {
    /// SQL written by hand for that many tasks of no pipeline: as fast as it gets.
    pub(crate) async fn floor(database: &TestDatabase, tasks: usize) -> Self {
        match database.backend() {
            Backend::Postgres => {
                Self::Postgres(postgres_sql::Floor::new(&database.url(), tasks).await)
            }
            Backend::Sqlite => {
                Self::Sqlite(Box::new(sqlite_sql::Floor::new(&database.url(), tasks)))
            }
        }
    }

    pub(crate) async fn dal(database: &TestDatabase) -> Self {
        Self::Dal(ByDal::new(&database.url()).await)
    }

    /// Takes that many new tasks through all of their steps.
    pub(crate) async fn live(&mut self, tasks: usize) -> Life {
        let mut life = Life::default();
        for step in Step::ALL {
            let started = Instant::now();
            self.take(step, tasks).await;
            life[step as usize] = started.elapsed();
        }
        life
    }

    async fn take(&mut self, step: Step, tasks: usize) {
        match self {
            Self::Dal(dal) => match step {
                Step::Create => dal.create(tasks).await,
                Step::MarkReady => dal.mark_ready().await,
                Step::Claim => dal.claim().await,
                Step::Complete => dal.complete().await,
            },
            Self::Postgres(floor) => match step {
                Step::Create => floor.create(tasks).await,
                Step::MarkReady => floor.mark_ready().await,
                Step::Claim => floor.claim().await,
                Step::Complete => floor.complete().await,
            },
            Self::Sqlite(floor) => match step {
                Step::Create => floor.create(tasks),
                Step::MarkReady => floor.mark_ready(),
                Step::Claim => floor.claim(),
                Step::Complete => floor.complete(),
            },
        }
    }
}
