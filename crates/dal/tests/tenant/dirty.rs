//! What a closure sets for its session is gone when the connection is used again, however the closure ended.

use std::future::pending;

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{TestDatabase, invariants};
use uuid::Uuid;

use crate::{
    support::{
        own_sql,
        poll::{Moment, poll_times},
    },
    tenant, unmigrated,
};

taskbox_test_support::suite! {
    postgres: [
        what_is_set_is_put_back_after_a_commit,
        what_is_set_is_put_back_after_an_error,
        what_is_set_is_gone_with_a_future_that_was_dropped,
        what_is_set_is_gone_with_a_transaction_that_was_dropped_at_any_poll,
        what_is_set_without_a_schema_is_put_back,
        what_is_set_for_the_commit_holds_for_it,
        what_is_set_for_the_transaction_holds_to_its_end,
        statements_that_were_prepared_are_kept,
        a_connection_of_the_programs_own_pool_is_left_alone,
    ],
}

/// One connection, so that whoever comes next has it.
async fn one_connection(db: &TestDatabase) -> DAL {
    tenant(db, "tenant_a").await;
    let dal = DAL::builder(db.url()).schema("tenant_a").pool_size(1);
    dal.connect().await.unwrap()
}

/// A role that the one of the tests may become, and that is gone in the end.
struct Role(String);

impl Role {
    async fn create(db: &TestDatabase) -> Self {
        let name = format!("taskbox_role_{}", Uuid::now_v7().simple());
        db.execute(&format!("CREATE ROLE {name}")).await;
        Self(name)
    }

    async fn drop(self, db: &TestDatabase) {
        db.execute(&format!("DROP ROLE {}", self.0)).await;
    }
}

/// All that a session can be made to keep.
fn dirt(role: &str) -> String {
    format!(
        "SET search_path TO public;
        SET statement_timeout = '7s';
        SET TIME ZONE 'Asia/Tokyo';
        SET jit = on;
        SET idle_in_transaction_session_timeout = '0';
        SET app.tenant = 'other';
        SELECT pg_advisory_lock(7);
        LISTEN somewhere;
        CREATE TEMP TABLE task_executions (id uuid);
        DECLARE kept CURSOR WITH HOLD FOR SELECT 1;
        SET ROLE {role}"
    )
}

/// A session, as one who uses it sees it. Which one it is comes last.
#[derive(Debug, PartialEq, QueryableByName)]
struct Session {
    #[diesel(sql_type = Text)]
    settings: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = BigInt)]
    left: i64,
    #[diesel(sql_type = BigInt)]
    pid: i64,
}

impl Session {
    /// Whether it is the same, or another like it.
    fn is_as(&self, other: &Self) -> bool {
        self.settings == other.settings && self.role == other.role && self.left == other.left
    }
}

async fn session(tx: &mut Tx<'_>) -> Result<Session> {
    let session = "SELECT
        (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings
         WHERE source NOT IN ('default', 'override')) || coalesce(current_setting('app.tenant', true), '') AS settings,
        current_user || ' ' || session_user AS role,
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
        + (SELECT count(*) FROM pg_cursors WHERE name = 'kept')
        + (SELECT count(*) FROM pg_listening_channels())
        + (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS left,
        pg_backend_pid()::bigint AS pid";
    Ok(diesel::sql_query(session)
        .get_result(tx.postgres()?)
        .await?)
}

async fn look(dal: &DAL) -> Session {
    dal.transaction(session).await.unwrap()
}

/// Makes a task, and then the session dirty.
async fn soil(tx: &mut Tx<'_>, dirt: &str) -> Result<()> {
    tx.task_execution().create(new()).await?;
    tx.postgres()?.batch_execute(dirt).await?;
    // The channel is not there before the commit.
    assert_eq!(session(tx).await?.left, 3);
    Ok(())
}

fn new() -> NewTaskExecution {
    NewTaskExecution::standalone("ship")
}

/// How many tasks are in the schema of the tenant, and in `public`.
async fn tasks(db: &TestDatabase) -> [i64; 2] {
    let count = "SELECT count(*) FROM task_executions";
    let own = db.within("tenant_a").query_i64(count).await;
    [own, db.query_i64(count).await]
}

async fn what_is_set_is_put_back_after_a_commit(db: &TestDatabase) {
    let (dal, role) = (one_connection(db).await, Role::create(db).await);
    let fresh = look(&dal).await;
    let dirt = dirt(&role.0);
    for round in 1..=3 {
        dal.transaction(async |tx| soil(tx, &dirt).await)
            .await
            .unwrap();
        assert_eq!(tasks(db).await, [2 * round - 1, 0]);
        // Neither an operation nor a query nor a transaction is somewhere else.
        dal.task_execution().create(new()).await.unwrap();
        let listed = dal
            .task_execution()
            .list_by_status(taskbox_models::TaskStatus::NotStarted, 99);
        assert_eq!(
            i64::try_from(listed.await.unwrap().len()).unwrap(),
            2 * round
        );
        assert_eq!(look(&dal).await, fresh, "the same session, and as it was");
    }
    role.drop(db).await;
    invariants::assert(&db.within("tenant_a")).await;
}

async fn what_is_set_is_put_back_after_an_error(db: &TestDatabase) {
    let (dal, role) = (one_connection(db).await, Role::create(db).await);
    let dirt = dirt(&role.0);
    for (ending, is_swallowed) in [("SELECT 1", false), ("SELECT 1 / 0", true)] {
        let fresh = look(&dal).await;
        let failed = dal.transaction(async |tx| {
            soil(tx, &dirt).await?;
            let last = own_sql::execute(tx, ending).await;
            if is_swallowed {
                return Ok(());
            }
            last.and(Err(Error::from(diesel::result::Error::RollbackTransaction)))
        });
        assert!(failed.await.is_err());
        assert_eq!(tasks(db).await, [0, 0]);
        let found = look(&dal).await;
        assert!(found.is_as(&fresh), "{found:?}");
        // A COMMIT that the server refuses closes the connection.
        assert_eq!(found.pid == fresh.pid, !is_swallowed);
    }
    role.drop(db).await;
}

async fn what_is_set_is_gone_with_a_future_that_was_dropped(db: &TestDatabase) {
    let (dal, role) = (one_connection(db).await, Role::create(db).await);
    let fresh = look(&dal).await;
    let dirt = dirt(&role.0);
    let (soiled, is_soiled) = tokio::sync::oneshot::channel();
    let transaction = dal.transaction(async move |tx: &mut Tx<'_>| {
        soil(tx, &dirt).await?;
        soiled.send(()).unwrap();
        pending::<Result<()>>().await
    });
    tokio::select! {
        ended = transaction => panic!("{ended:?}"),
        dirty = is_soiled => dirty.unwrap(),
    }
    assert_eq!(tasks(db).await, [0, 0]);
    let found = look(&dal).await;
    assert_ne!(found.pid, fresh.pid);
    assert!(found.is_as(&fresh), "{found:?}");
    role.drop(db).await;
}

/// Also between the COMMIT and what puts the session back.
async fn what_is_set_is_gone_with_a_transaction_that_was_dropped_at_any_poll(db: &TestDatabase) {
    let (dal, role) = (one_connection(db).await, Role::create(db).await);
    let fresh = look(&dal).await;
    let dirt = &dirt(&role.0);
    for moment in Moment::BOTH {
        let mut dropped = 0;
        while dropped < 2 {
            dropped = 0;
            loop {
                let transaction = dal.transaction(async |tx| soil(tx, dirt).await);
                let done = poll_times(dropped + 1, moment, transaction).await;
                let found = look(&dal).await;
                assert!(found.is_as(&fresh), "{found:?}");
                dal.task_execution().create(new()).await.unwrap();
                if done.is_some() {
                    break;
                }
                dropped += 1;
            }
        }
    }
    let [own, public] = tasks(db).await;
    assert!(own > 0);
    assert_eq!(public, 0);
    role.drop(db).await;
    invariants::assert(&db.within("tenant_a")).await;
}

async fn what_is_set_without_a_schema_is_put_back(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).pool_size(1).connect().await.unwrap();
    let role = Role::create(db).await;
    let fresh = look(&dal).await;
    let dirt = dirt(&role.0);
    dal.transaction(async |tx| soil(tx, &dirt).await)
        .await
        .unwrap();
    assert_eq!(look(&dal).await, fresh);
    role.drop(db).await;
}

/// Deferred triggers run in COMMIT, and must find what was set for them.
async fn what_is_set_for_the_commit_holds_for_it(db: &TestDatabase) {
    let dal = one_connection(db).await;
    let within = &db.within("tenant_a");
    within
        .execute(
            "CREATE TABLE orders (id INTEGER);
            CREATE TABLE journal (who TEXT, durable TEXT);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN
                INSERT INTO journal VALUES (current_setting('app.who'), current_setting('synchronous_commit'));
                RETURN NULL;
            END$$;
            CREATE CONSTRAINT TRIGGER noted AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION note()",
        )
        .await;
    dal.transaction(async |tx| {
        let set = "SET LOCAL app.who = 'ada'; SET LOCAL synchronous_commit = local; INSERT INTO orders VALUES (1)";
        tx.postgres()?.batch_execute(set).await?;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let journal = db
        .within("tenant_a")
        .query_text("SELECT who, durable FROM journal")
        .await;
    assert_eq!(
        journal,
        [[Some("ada".to_owned()), Some("local".to_owned())]]
    );
}

/// For Taskbox's own statements, too: the closure asked for it.
async fn what_is_set_for_the_transaction_holds_to_its_end(db: &TestDatabase) {
    let dal = one_connection(db).await;
    dal.transaction(async |tx| {
        tx.postgres()?
            .batch_execute("SET LOCAL search_path TO public")
            .await?;
        tx.task_execution().create(new()).await
    })
    .await
    .unwrap();
    assert_eq!(tasks(db).await, [0, 1]);
    dal.task_execution().create(new()).await.unwrap();
    assert_eq!(tasks(db).await, [1, 1]);
}

async fn statements_that_were_prepared_are_kept(db: &TestDatabase) {
    let dal = one_connection(db).await;
    let prepared =
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%task_executions%'";
    let mut counts = Vec::new();
    for _ in 0..3 {
        let count = dal.transaction(async |tx| {
            tx.task_execution().create(new()).await?;
            let count = diesel::dsl::sql::<BigInt>(&format!("({prepared})"));
            Ok::<i64, Error>(diesel::select(count).get_result(tx.postgres()?).await?)
        });
        counts.push(count.await.unwrap());
    }
    assert!(counts[0] > 0, "{counts:?}");
    assert_eq!(counts, [counts[0]; 3]);
}

/// What its pool has set there, nobody else could set again.
async fn a_connection_of_the_programs_own_pool_is_left_alone(db: &TestDatabase) {
    use diesel_async::{
        AsyncPgConnection,
        pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool},
    };

    unmigrated(db, "tenant_a").await.migrate().await.unwrap();
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(db.url());
    let dal = DAL::from_pool(Pool::builder(manager).max_size(1).build().unwrap());
    dal.transaction(async |tx| {
        let set = "SET search_path TO tenant_a";
        tx.postgres()?.batch_execute(set).await?;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    dal.task_execution().create(new()).await.unwrap();
    assert_eq!(tasks(db).await, [1, 0]);
}
