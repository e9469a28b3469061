//! Named places, one between every two statements, at which a test can make the world fail.
//!
//! They exist in debug builds of Taskbox's own checkout only (see `build.rs`); elsewhere [`Faults`] is empty
//! and reaching a point does nothing.

#[cfg(not(taskbox_faults))]
pub(crate) use disarmed::Faults;

#[cfg(taskbox_faults)]
pub use armed::{Fault, Faults};

#[cfg(taskbox_faults)]
mod armed {
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use diesel::{
        QueryResult,
        result::{DatabaseErrorKind, Error},
    };

    /// What happens at a fault point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// The point answers with a database error.
        Error,
        /// The thread that reaches it panics.
        Panic,
    }

    /// The fault points of one `DAL`: which were reached, and which one is armed.
    #[derive(Clone, Debug, Default)]
    pub struct Faults(Arc<Mutex<State>>);

    #[derive(Debug, Default)]
    struct State {
        armed: Option<Armed>,
        reached: Vec<&'static str>,
    }

    #[derive(Debug)]
    struct Armed {
        point: String,
        /// How often the point is passed before.
        passes: usize,
        fault: Fault,
    }

    impl Faults {
        /// Makes `fault` happen the next time that `point` is reached.
        pub fn arm(&self, point: impl Into<String>, fault: Fault) {
            self.arm_after(0, point, fault);
        }

        /// Makes `fault` happen when `point` is reached after it was passed so many times.
        pub fn arm_after(&self, passes: usize, point: impl Into<String>, fault: Fault) {
            self.state().armed = Some(Armed {
                point: point.into(),
                passes,
                fault,
            });
        }

        /// The points reached since the last call, in order.
        #[must_use]
        pub fn take_reached(&self) -> Vec<&'static str> {
            std::mem::take(&mut self.state().reached)
        }

        pub(crate) fn reach(&self, point: &'static str) -> QueryResult<()> {
            let fault = {
                let mut state = self.state();
                state.reached.push(point);
                match &mut state.armed {
                    Some(armed) if armed.point == point && armed.passes > 0 => {
                        armed.passes -= 1;
                        None
                    }
                    Some(armed) if armed.point == point => state.armed.take(),
                    _ => None,
                }
            };
            match fault.map(|armed| armed.fault) {
                None => Ok(()),
                Some(Fault::Error) => Err(Error::DatabaseError(
                    DatabaseErrorKind::Unknown,
                    Box::new(format!("fault injected at {point}")),
                )),
                #[expect(clippy::panic, reason = "the fault that a test asked for")]
                Some(Fault::Panic) => panic!("fault injected at {point}"),
            }
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(not(taskbox_faults))]
mod disarmed {
    use diesel::QueryResult;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Faults;

    impl Faults {
        #[expect(
            clippy::unnecessary_wraps,
            clippy::unused_self,
            reason = "its armed sibling uses both"
        )]
        #[inline]
        pub(crate) fn reach(&self, _point: &'static str) -> QueryResult<()> {
            Ok(())
        }
    }
}
