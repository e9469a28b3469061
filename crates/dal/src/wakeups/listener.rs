//! Hears on Postgres what other programs made ready: by a connection of its own, which is looked after.

use std::{pin::pin, sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{Ear, hub::Hub, payload::Payload};
use crate::{
    Error, Result,
    backend::postgres::{self, Pool},
    queries::wakeup::postgres::{channel, listen, notify},
};

/// How long a connection may be quiet before it is asked whether it is still there.
const QUIET: Duration = Duration::from_mins(1);
/// How long each answer may take, and a trial of the channel.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pauses between two attempts to connect: at first, and at the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a server that does not pass on what is said is left alone.
const DEAF_PAUSE: Duration = Duration::from_mins(5);

pub(crate) struct Listener {
    pub(crate) pool: Pool,
    pub(crate) hub: Arc<Hub>,
    pub(crate) ear: Arc<Ear>,
}

/// A connection that was tried, and the channel that it listens to.
struct Line {
    connection: AsyncPgConnection,
    channel: String,
}

impl Listener {
    /// Until it is dropped.
    pub(crate) async fn run(self) {
        let mut next_pause = FIRST_PAUSE;
        let mut reported = Reported::Nothing;
        loop {
            match self.open().await {
                Ok(Some(line)) => {
                    reported.hears();
                    next_pause = FIRST_PAUSE;
                    // What was said before is not said again: a look is what finds it.
                    self.ear.hears(true);
                    let error = self.follow(line).await;
                    self.ear.hears(false);
                    reported.lost(&error);
                }
                Ok(None) => {
                    reported.deaf();
                    next_pause = DEAF_PAUSE;
                }
                Err(error) => reported.lost(&error),
            }
            pause(next_pause).await;
            next_pause = (next_pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        }
    }

    /// Connects, listens, and tries whether that is of use: a pooler that gives each transaction another connection of
    /// the server takes the LISTEN, and passes nothing on. `None` if so.
    async fn open(&self) -> Result<Option<Line>> {
        let mut connection = within(postgres::connect_as(&self.pool)).await?;
        let channel = within(async { Ok(channel(&mut connection).await?) }).await?;
        let channel = channel.ok_or_else(|| Error::Connection("there are no tables".to_owned()))?;
        within(async { Ok(listen(&mut connection, &channel).await?) }).await?;
        let sender = Uuid::now_v7();
        let trial = Payload {
            sender,
            delay: None,
        };
        // By another connection: what one says itself it may hear even so.
        let said = async {
            let mut other = postgres::connect_as(&self.pool).await?;
            Ok(notify(&mut other, &trial.to_string()).await?)
        };
        within(said).await?;
        let heard = timeout(PATIENCE, self.hear(&mut connection, trial)).await;
        let is_heard = heard.map_or(Ok(false), |heard| heard.map(|()| true))?;
        Ok(is_heard.then_some(Line {
            connection,
            channel,
        }))
    }

    /// Waits for what was said to try the channel.
    async fn hear(&self, connection: &mut AsyncPgConnection, trial: Payload) -> Result<()> {
        let mut notifications = pin!(connection.notifications_stream());
        while let Some(notification) = notifications.next().await {
            let heard = Payload::parse(&notification?.payload);
            if heard == trial {
                return Ok(());
            }
            self.pass_on(heard);
        }
        Err(hung_up())
    }

    /// Passes on what it hears until the connection is lost, and answers with what was seen of that.
    async fn follow(&self, mut line: Line) -> Error {
        loop {
            match timeout(QUIET, self.pass_all_on(&mut line.connection)).await {
                Ok(error) => return error,
                Err(_) => match within(async { Ok(channel(&mut line.connection).await?) }).await {
                    Ok(Some(channel)) if channel == line.channel => {}
                    Ok(_) => return Error::Connection("the tables are others now".to_owned()),
                    Err(error) => return error,
                },
            }
        }
    }

    async fn pass_all_on(&self, connection: &mut AsyncPgConnection) -> Error {
        let mut notifications = pin!(connection.notifications_stream());
        loop {
            match notifications.next().await {
                Some(Ok(notification)) => self.pass_on(Payload::parse(&notification.payload)),
                Some(Err(error)) => return error.into(),
                None => return hung_up(),
            }
        }
    }

    fn pass_on(&self, heard: Payload) {
        if let Some(delay) = heard.delay
            && !self.hub.has_said(&heard)
        {
            self.ear.signal.raise(Instant::now() + delay);
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(postgres::no_answer(PATIENCE)))
}

fn hung_up() -> Error {
    Error::Connection("the server hung up".to_owned())
}

/// A little less, so that those who lost the server together do not come back together.
async fn pause(longest: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a back-off: there is no event to wait for"
    )]
    tokio::time::sleep(longest.mul_f64(1.0 - 0.5 * fastrand::f64())).await;
}

/// What was reported last of the state of things, so that it is reported once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reported {
    Nothing,
    Lost,
    Deaf,
}

impl Reported {
    fn hears(&mut self) {
        if self.becomes(Self::Nothing) {
            tracing::info!("hears again what other programs make ready");
        }
    }

    fn lost(&mut self, error: &Error) {
        if self.becomes(Self::Lost) {
            tracing::warn!(%error, "cannot hear what other programs make ready: trying again");
        }
    }

    fn deaf(&mut self) {
        if self.becomes(Self::Deaf) {
            tracing::warn!(
                "the server passes no notifications on, as a pooler does that gives each transaction another \
                 connection: what other programs make ready is found by polling alone; connect to the server itself"
            );
        }
    }

    /// Whether that is something to report. Who is deaf has lost nothing by an error.
    fn becomes(&mut self, state: Self) -> bool {
        if *self == state || (*self == Self::Deaf && state == Self::Lost) {
            return false;
        }
        *self = state;
        true
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use diesel::ConnectionError;
    use diesel_async::{
        AsyncPgConnection,
        pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, deadpool::Pool},
    };
    use futures_util::FutureExt;
    use taskbox_test_support::TestDatabase;
    use tokio_postgres::NoTls;

    use super::{Listener, Reported};
    use crate::{DAL, backend::Kind};

    taskbox_test_support::suite! {
        postgres: [
            a_server_that_passes_nothing_on_is_found_out,
            a_server_that_passes_it_on_is_heard,
        ],
    }

    /// By connections that, like those of some poolers, take what is asked and never hear of anything.
    fn deaf(url: String) -> DAL {
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(|url| {
            let url = url.to_owned();
            let connected = async move {
                let connected = tokio_postgres::connect(&url, NoTls).await;
                let (client, driver) =
                    connected.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
                tokio::spawn(driver);
                AsyncPgConnection::try_from(client).await
            };
            connected.boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        DAL::from_pool(Pool::builder(manager).build().unwrap())
    }

    fn listener(dal: &DAL) -> Listener {
        let Kind::Postgres(pool) = dal.0.pool.0.clone() else {
            panic!("it is of Postgres");
        };
        Listener {
            pool,
            hub: dal.0.hub.clone(),
            ear: std::sync::Arc::default(),
        }
    }

    async fn a_server_that_passes_nothing_on_is_found_out(db: &TestDatabase) {
        let listener = listener(&deaf(db.url()));
        assert!(listener.open().await.unwrap().is_none());
        assert!(!listener.ear.hears_now());
    }

    async fn a_server_that_passes_it_on_is_heard(db: &TestDatabase) {
        let listener = listener(&DAL::connect(db.url()).await.unwrap());
        assert!(listener.open().await.unwrap().is_some());
    }

    #[test]
    fn each_change_is_reported_once() {
        use Reported::{Deaf, Lost, Nothing};

        let mut reported = Nothing;
        let times = [
            Nothing, Lost, Lost, Nothing, Nothing, Deaf, Lost, Deaf, Nothing,
        ];
        let times = times.map(|state| reported.becomes(state));
        let expected = [false, true, false, true, false, true, false, false, true];
        assert_eq!(times, expected);
    }
}
