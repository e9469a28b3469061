//! One operation, made again and again from the same state, with its connection lost at another message each time.

/// Mounts the test of each operation twice, as those of `alone` and of `within`.
macro_rules! honest {
    ($($test:ident: $operation:expr, $fate:expr;)*) => {
        honest! { alone, cut_alone, $($test: $operation, $fate;)* }
        honest! { within, cut_within, $($test: $operation, $fate;)* }
    };
    ($module:ident, $cut:ident, $($test:ident: $operation:expr, $fate:expr;)*) => {
        mod $module {
            use taskbox_test_support::TestDatabase;

            use super::*;
            use crate::cut::{Fate, $cut};

            taskbox_test_support::suite! { postgres: [$($test),*] }

            $(
                async fn $test(db: &TestDatabase) {
                    $cut(db, $operation, $fate).await;
                }
            )*
        }
    };
}

mod by_hand;
mod by_worker;
mod connection;
mod place;
mod read;
mod state;
mod told;
mod world;

use std::{collections::VecDeque, time::Duration};

use futures_util::future::{join, join_all};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_test_support::TestDatabase;
use tokio::time::timeout;

use self::{
    place::{Place, places},
    state::State,
    told::{Fate, Told},
    world::World,
};
use crate::support::{
    prepared::Operation,
    proxy::{Cut, Proxy, Since},
};

/// How the operation is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// By the `DAL`, which tries again what was not committed.
    Dal,
    /// In a transaction, which is not tried again.
    Tx,
}

/// What the connection has done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// It is lost, and the pool does not know yet.
    Lost,
    /// Nothing, so that every statement has to be prepared.
    Cold,
    /// The same operation, whose statements it keeps.
    Warm,
}

const DEADLINE: Duration = Duration::from_secs(30);
/// What it may take, beside, to roll back and to ask for the fate of a commit.
const GRACE: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_hours(1);

/// Where connections are lost.
#[derive(Clone, Copy)]
struct Plan {
    door: Door,
    start: Start,
    /// The connections that are lost before the one that is lost at a place.
    first: Option<(Since, Cut)>,
    since: Since,
    is_chosen: fn(&Place) -> bool,
}

/// Loses the warm connection of the operation at every message, of either side: before it, in the middle of it, and after
/// it. The operation is that of the `DAL`.
async fn cut_alone<O: Operation>(db: &TestDatabase, operation: O, fate: Fate) {
    let plan = Plan {
        door: Door::Dal,
        start: Start::Warm,
        first: None,
        since: Since::Begin,
        is_chosen: |_| true,
    };
    let told = cut_everywhere(db, operation, fate, plan).await;
    assert!(told.cuts >= 30 && told.done > 0, "{told:?}");
    assert_eq!(told.not_done, 0);
    told.assert_honest(fate);
}

/// Loses the cold connection of the operation in the middle of every message by which a statement is prepared or a
/// transaction begins and ends, of either side. The operation is in a transaction.
async fn cut_within<O: Operation>(db: &TestDatabase, operation: O, fate: Fate) {
    let plan = Plan {
        door: Door::Tx,
        start: Start::Cold,
        first: None,
        since: Since::Begin,
        is_chosen: |place| place.is_half() && place.is_of_a_query(),
    };
    let told = cut_everywhere(db, operation, fate, plan).await;
    assert!(told.cuts >= 8 && told.not_done > 0, "{told:?}");
    told.assert_honest(fate);
}

/// So many places are tried on one database; beyond, on others at the same time.
const SHARE: usize = 60;

/// Makes the operation once for each place of the plan, and answers with what was told.
async fn cut_everywhere<O: Operation>(
    db: &TestDatabase,
    operation: O,
    fate: Fate,
    plan: Plan,
) -> Told {
    let mut campaign = Campaign::new(db, operation, fate, plan).await;
    let places = campaign.places().await;
    let mut shares = places.chunks(SHARE);
    let own = campaign.run(shares.next().unwrap_or_default());
    let others = shares.map(|share| async move {
        let db = TestDatabase::create(db.backend()).await;
        let mut campaign = Campaign::new(&db, operation, fate, plan).await;
        campaign.run(share).await
    });
    let (own, others) = join(own, join_all(others)).await;
    let told = others.into_iter().fold(own, Told::and);
    say(operation, plan, told);
    told
}

#[expect(clippy::print_stderr, reason = "shows how much was tried")]
fn say(operation: impl Operation, plan: Plan, told: Told) {
    let Plan { door, start, .. } = plan;
    eprintln!("{operation:?} by {door:?}, {start:?}: {told:?}");
}

struct Campaign<O: Operation> {
    operation: O,
    subject: O::Subject,
    fate: Fate,
    plan: Plan,
    proxy: Proxy,
    dal: DAL,
    world: World,
    before: State,
    after: State,
    is_warm: bool,
}

/// Whatever is lost: the change is there once if the caller was told so, not at all if it was told that it is not, and all
/// or nothing of it if that is unknown. The next call finds the pool whole, which has one connection.
impl<O: Operation> Campaign<O> {
    async fn new(db: &TestDatabase, operation: O, fate: Fate, plan: Plan) -> Self {
        let direct = DAL::builder(db.url()).lease(HOUR).connect().await.unwrap();
        let subject = operation.prepare(db, &direct).await;
        let world = World::keep(db).await;
        let proxy = Proxy::before(&db.url());
        let dal = DAL::builder(proxy.url()).lease(HOUR).pool_size(1);
        let dal = dal.deadline(DEADLINE).connect().await.unwrap();
        let before = world.look().await;
        operation.on(&dal, &subject).await.unwrap();
        let after = world.look().await;
        let [before, after] = [before.beside(&before), after.beside(&before)];
        assert_ne!(before, after, "{operation:?} does nothing");
        Self {
            operation,
            subject,
            fate,
            plan,
            proxy,
            dal,
            world,
            before,
            after,
            is_warm: true,
        }
    }

    /// Where the last connection of the plan can be lost, by what goes over it if it is not.
    async fn places(&mut self) -> Vec<Place> {
        self.get_to(self.plan.start).await;
        self.lose(Cut::NOWHERE);
        self.make(self.plan.door).await.unwrap();
        let (_, seen) = self.proxy.seen();
        places(seen).filter(self.plan.is_chosen).collect()
    }

    /// Makes the operation once for each of the places.
    async fn run(&mut self, places: &[Place]) -> Told {
        let mut told = Told::default();
        if self.plan.door == Door::Dal {
            self.begin_in_vain().await;
        }
        for place in places {
            self.get_to(self.plan.start).await;
            self.lose(place.cut);
            let (answer, is_done) = self.judge(place.cut).await;
            told.count(&answer, is_done);
        }
        self.get_to(Start::Cold).await;
        self.make(Door::Dal).await.unwrap();
        told
    }

    /// Makes the operation when its BEGIN fails, behind which its first statement may be under way: that has done nothing,
    /// and the next try does all.
    async fn begin_in_vain(&mut self) {
        self.get_to(self.plan.start).await;
        self.proxy.spoil_begin();
        self.make(Door::Dal).await.unwrap();
        assert_eq!(self.proxy.begun(), 2);
        assert_eq!(self.look().await, self.after, "{:?}", self.operation);
    }

    fn lose(&self, cut: Cut) {
        let last = (self.plan.since, cut);
        let cuts: VecDeque<_> = self.plan.first.into_iter().chain([last]).collect();
        self.proxy.cut_each(cuts);
    }

    /// Puts the database back, and makes the connection new or as good as used.
    async fn get_to(&mut self, start: Start) {
        self.world.restore().await;
        match start {
            Start::Lost => {
                self.make(Door::Dal).await.unwrap();
                self.world.restore().await;
                self.proxy.hang_up();
            }
            Start::Cold => {
                self.proxy.hang_up();
                // The call that finds the connection lost fails.
                while self.dal.now().await.is_err() {}
            }
            Start::Warm if self.is_warm => {}
            Start::Warm => {
                self.make(Door::Dal).await.unwrap();
                self.world.restore().await;
            }
        }
    }

    async fn make(&self, door: Door) -> Result<()> {
        let (operation, subject) = (self.operation, &self.subject);
        match door {
            Door::Dal => operation.on(&self.dal, subject).await,
            Door::Tx => {
                let transaction = self
                    .dal
                    .transaction(async |tx: &mut Tx<'_>| operation.within(tx, subject).await);
                transaction.await
            }
        }
    }

    /// Makes the operation, and compares what it said with what is there.
    async fn judge(&mut self, cut: Cut) -> (Result<()>, bool) {
        let door = self.plan.door;
        let call = timeout(DEADLINE + GRACE, self.make(door));
        let answer = call.await.expect("the call ends in time");
        let what = format!("{:?} by {door:?}, {cut:?}, {answer:?}", self.operation);
        assert!(self.proxy.seen().0, "{what}: nothing was lost");
        let was_tried_again = self.proxy.begun() > 1;
        let mut found = self.look().await;
        if answer.is_ok() && was_tried_again && self.fate.passes_over && found != self.after {
            // What it passed over is left to the next call.
            self.make(Door::Dal).await.unwrap();
            found = self.look().await;
        }
        let is_done = found == self.after;
        let differs = found.unlike(&self.before);
        assert!(
            is_done || differs.is_empty(),
            "{what}: half of it {differs:#?}"
        );
        match &answer {
            Ok(()) => assert!(is_done, "{what}: it is not there"),
            Err(Error::CommitUnknown { .. }) => self.repeat(&what).await,
            Err(error) => {
                assert!(!is_done, "{what}: it is there");
                let is_last = error.is_transient() && door == Door::Tx;
                assert!(is_last, "{what}: no second try");
            }
        }
        // It was on a new connection, to the end.
        self.is_warm = answer.is_ok() && was_tried_again;
        (answer, is_done)
    }

    /// Whoever does not know whether it is done makes it again: then it is, and once.
    async fn repeat(&self, what: &str) {
        assert!(!self.fate.is_asked, "{what}");
        let answer = self.make(Door::Dal).await;
        let is_refused = matches!(answer, Err(Error::Conflict(_)));
        assert!(answer.is_ok() || is_refused, "{what}, then {answer:?}");
        if !self.fate.makes_anew {
            assert_eq!(self.look().await, self.after, "{what}, then {answer:?}");
        }
    }

    async fn look(&self) -> State {
        self.world.look().await.beside(&self.before)
    }
}
