//! When the engine looks for ready tasks next.

use std::{fmt, time::Duration};

use taskbox_dal::Wakeups;
use tokio::{select, time::Instant};

use crate::{
    backoff::Backoff,
    outage::Outage,
    slots::{Room, Slots},
    time::{about, reach},
};

/// The first pause between two looks where nobody says that there is something to see.
const FIRST_POLL: Duration = Duration::from_millis(5);
/// The longest such pause.
const LONGEST_POLL: Duration = Duration::from_secs(1);
/// The pause after a look in vain before what is heard counts again, at first and at the longest: on a busy database much
/// is for others.
const FIRST_REST: Duration = Duration::from_millis(1);
const LONGEST_REST: Duration = Duration::from_millis(50);

pub(crate) struct Looking {
    wakeups: Wakeups,
    poll_interval: Duration,
    /// While other programs cannot be heard of.
    polls: Backoff,
    /// While tasks are due and cannot be had.
    overdue: Backoff,
    /// While what is heard is for others.
    rests: Backoff,
    rested: Instant,
    /// When the next scheduled task is due, as far as is known; in the past if that is not known.
    due: Option<Instant>,
    outage: Outage,
}

impl Looking {
    pub(crate) fn new(wakeups: Wakeups, poll_interval: Duration) -> Self {
        let polls = || Backoff::new(FIRST_POLL, LONGEST_POLL.min(poll_interval));
        Self {
            wakeups,
            poll_interval,
            polls: polls(),
            overdue: polls(),
            rests: Backoff::new(FIRST_REST, LONGEST_REST),
            rested: Instant::now(),
            due: Some(Instant::now()),
            outage: Outage::of("claiming"),
        }
    }

    /// When to look again after so many tasks were found for the room that there was: at once if there are likely to be
    /// more, and soon if it is not known when the next will be due.
    pub(crate) fn after_finding(&mut self, found: usize, room: &Room) -> Instant {
        self.outage.is_over();
        self.polls.reset();
        self.overdue.reset();
        self.rests.reset();
        if found >= room.most() {
            return Instant::now();
        }
        self.next()
    }

    /// When to look again after none was found, and the next will be due in so long.
    pub(crate) fn after_finding_none(&mut self, due_in: Option<Duration>) -> Instant {
        self.outage.is_over();
        let now = Instant::now();
        self.rested = now + self.rests.next();
        let due_in = due_in.map(|due_in| {
            if due_in.is_zero() {
                self.overdue.next()
            } else {
                self.overdue.reset();
                due_in
            }
        });
        self.due = due_in.map(|due_in| now + due_in);
        self.next()
    }

    /// When to look again after it could not be done. Until then what is heard does not count: it may be heard all the
    /// time, also of a database that takes nothing.
    pub(crate) fn after_failing(&mut self, error: &impl fmt::Display) -> Instant {
        self.rested = Instant::now() + self.outage.goes_on(error);
        self.rested
    }

    /// Waits until then, or until there is something to see before.
    pub(crate) async fn wait(&mut self, slots: &Slots, room: &Room, mut until: Instant) {
        loop {
            let hint = select! {
                biased;
                hint = self.wakeups.next() => hint,
                () = slots.freed(), if room.leaves_out => return,
                () = reach(until) => return,
            };
            let due = Instant::now() + hint;
            if !hint.is_zero() {
                self.due = Some(self.due.map_or(due, |other| other.min(due)));
            }
            until = until.min(due.max(self.rested));
        }
    }

    /// When to look again if nobody says anything.
    fn next(&mut self) -> Instant {
        let poll = Instant::now() + self.pause(self.wakeups.hears_others());
        let soonest = Instant::now() + FIRST_POLL;
        self.due.map_or(poll, |due| due.max(soonest).min(poll))
    }

    fn pause(&mut self, hears_others: bool) -> Duration {
        if hears_others {
            about(self.poll_interval)
        } else {
            self.polls.next()
        }
    }
}

#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use taskbox_dal::DAL;
    use taskbox_test_support::TestDatabase;
    use tokio::time::Instant;

    use super::{FIRST_POLL, FIRST_REST, LONGEST_POLL, LONGEST_REST, Looking};
    use crate::{
        settings::Settings,
        slots::{Queue, Room, Slots},
    };

    taskbox_test_support::suite! {
        the_next_look_is_when_the_next_task_is_due,
        what_is_due_next_is_not_forgotten_for_what_is_found,
        who_hears_nobody_looks_more_and_more_seldom,
        who_looks_in_vain_rests_before_it_hears_of_more,
        who_cannot_look_rests_whatever_it_hears,
    }

    const HOUR: Duration = Duration::from_hours(1);

    fn room() -> Room {
        let all = Queue {
            name: None,
            free: 9,
        };
        Room {
            total: 9,
            queues: vec![(0, all)],
            leaves_out: false,
        }
    }

    /// How long it is until then.
    fn left(until: Instant) -> Duration {
        until.saturating_duration_since(Instant::now())
    }

    /// Once it hears of other programs.
    async fn hearing(db: &TestDatabase) -> Looking {
        let mut wakeups = DAL::connect(db.url()).await.unwrap().wakeups();
        while !wakeups.hears_others() {
            wakeups.next().await;
        }
        Looking::new(wakeups, HOUR)
    }

    async fn the_next_look_is_when_the_next_task_is_due(db: &TestDatabase) {
        let mut looking = hearing(db).await;
        assert!(left(looking.after_finding_none(None)) >= HOUR / 2);
        let due = looking.after_finding_none(Some(HOUR / 10));
        assert!(left(due) <= HOUR / 10 && left(due) >= HOUR / 11);
        assert!(left(looking.after_finding_none(Some(Duration::ZERO))) <= FIRST_POLL);
        for _ in 0..20 {
            looking.after_finding_none(Some(Duration::ZERO));
        }
        let overdue = left(looking.after_finding_none(Some(Duration::ZERO)));
        assert!(overdue > LONGEST_POLL / 3, "spins at {overdue:?}");
    }

    async fn what_is_due_next_is_not_forgotten_for_what_is_found(db: &TestDatabase) {
        let mut looking = hearing(db).await;
        assert_eq!(left(looking.after_finding(9, &room())), Duration::ZERO);
        // It has not been asked yet.
        assert!(left(looking.after_finding(1, &room())) <= FIRST_POLL);
        looking.after_finding_none(Some(HOUR / 10));
        assert!(left(looking.after_finding(1, &room())) <= HOUR / 10);
        looking.after_finding_none(None);
        assert!(left(looking.after_finding(1, &room())) >= HOUR / 2);
    }

    async fn who_looks_in_vain_rests_before_it_hears_of_more(db: &TestDatabase) {
        let mut looking = hearing(db).await;
        for _ in 0..20 {
            looking.after_finding_none(None);
        }
        assert!(left(looking.rested) > LONGEST_REST / 3);
        let dal = DAL::connect(db.url()).await.unwrap();
        let slots = Slots::new(&Settings::of_tests(1, &[]));
        dal.announce();
        looking.wait(&slots, &room(), Instant::now() + HOUR).await;
        assert!(left(looking.rested).is_zero());
        looking.after_finding(1, &room());
        looking.after_finding_none(None);
        assert!(left(looking.rested) <= FIRST_REST);
    }

    async fn who_cannot_look_rests_whatever_it_hears(db: &TestDatabase) {
        let mut looking = hearing(db).await;
        let dal = DAL::connect(db.url()).await.unwrap();
        let slots = Slots::new(&Settings::of_tests(1, &[]));
        for _ in 0..4 {
            let until = looking.after_failing(&"gone");
            dal.announce();
            looking.wait(&slots, &room(), until).await;
            assert!(left(until).is_zero());
        }
        assert!(left(looking.after_failing(&"gone")) > FIRST_REST);
    }

    async fn who_hears_nobody_looks_more_and_more_seldom(db: &TestDatabase) {
        let mut looking = hearing(db).await;
        assert!(looking.pause(false) <= FIRST_POLL);
        for _ in 0..20 {
            looking.pause(false);
        }
        let pause = looking.pause(false);
        assert!(
            (LONGEST_POLL / 3..=LONGEST_POLL).contains(&pause),
            "{pause:?}"
        );
        looking.after_finding(1, &room());
        assert!(looking.pause(false) <= 2 * FIRST_POLL);
        assert!(looking.pause(true) >= HOUR / 2);
    }
}
