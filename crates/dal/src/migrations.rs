//! The migrations, from copies in the program.

#[cfg(feature = "postgres")]
mod schema;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use diesel::migration::MigrationSource;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

#[cfg(feature = "postgres")]
use crate::backend::postgres;
#[cfg(feature = "sqlite")]
use crate::backend::sqlite;
use crate::{
    DAL, Error, Result,
    backend::{Kind, lease},
    connection::Connection,
    door::sealed::Door,
    queries::migration,
};

#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
#[cfg(feature = "sqlite")]
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

impl DAL {
    /// Runs the migrations that the database does not have yet, and answers with their versions; none if it
    /// had them all.
    ///
    /// All of them are one transaction under a lock: any number of programs may start with this at once, and
    /// one that is killed half-way leaves nothing behind. A schema that was given to the [builder](crate::DALBuilder::schema)
    /// is made if it is missing, and each schema has a lock of its own. The same migrations can be run with the Diesel CLI
    /// (`diesel migration run`), and each knows of the other's; but the CLI does not take the lock.
    ///
    /// # Errors
    ///
    /// [`Error::Migration`] if a migration fails, or the schema cannot be made or used; then none was applied.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        match &self.0.pool.0 {
            #[cfg(feature = "postgres")]
            Kind::Postgres(pool) => self.migrate_postgres(pool).await,
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(pool) => self.migrate_sqlite(pool).await,
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Kind::None(never) => match *never {},
        }
    }

    /// The versions of the migrations that [`migrate`](Self::migrate) would run, in their order; none if the database
    /// has them all. Changes nothing.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    ///
    /// /// For a program that leaves the migrations to somebody else.
    /// async fn is_ready(dal: &DAL) -> Result<bool> {
    ///     Ok(dal.pending_migrations().await?.is_empty())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     assert!(is_ready(&DAL::connect(db.url()).await.unwrap()).await.unwrap());
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn pending_migrations(&self) -> Result<Vec<String>> {
        let mut pending: Vec<String> = match &self.0.pool.0 {
            #[cfg(feature = "postgres")]
            Kind::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES)?,
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE)?,
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Kind::None(never) => match *never {},
        };
        let applied = self
            .read(async |connection: &mut Connection<'_>| migration::applied(connection).await)
            .await?;
        pending.retain(|version| !applied.contains(version));
        Ok(pending)
    }

    #[cfg(feature = "postgres")]
    async fn migrate_postgres(&self, pool: &postgres::Pool) -> Result<Vec<String>> {
        use diesel::Connection as _;
        use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;

        let loan = lease::acquire(pool, self.0.context.settings.acquire_timeout).await?;
        let schema = self.0.context.schema.clone();
        // The harness is synchronous. On a thread of its own it works in any runtime.
        let migrated = tokio::task::spawn_blocking(move || {
            let mut connection: AsyncConnectionWrapper<_> = loan.into_connection().into();
            connection.transaction(|connection| {
                schema::lock(connection, schema.as_ref())?;
                if let Some(schema) = &schema {
                    schema::make(connection, schema)?;
                }
                run_pending(connection, POSTGRES)
            })
        });
        migrated.await.map_err(failed)?
    }

    #[cfg(feature = "sqlite")]
    async fn migrate_sqlite(&self, pool: &sqlite::Pool) -> Result<Vec<String>> {
        let turn = pool.turn(self.0.context.settings.acquire_timeout).await?;
        let mut loan =
            lease::acquire(&pool.connections, self.0.context.settings.acquire_timeout).await?;
        let applied = loan
            .connection()
            .spawn_blocking(|connection| {
                Ok(connection.exclusive_transaction(|connection| run_pending(connection, SQLITE)))
            })
            .await?;
        loan.give_back();
        drop(turn);
        applied
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
fn run_pending<C, DB>(connection: &mut C, migrations: EmbeddedMigrations) -> Result<Vec<String>>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
{
    let applied = connection
        .run_pending_migrations(migrations)
        .map_err(failed)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// The versions of the migrations in the program, in their order.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
fn versions<DB: diesel::backend::Backend>(embedded: &EmbeddedMigrations) -> Result<Vec<String>> {
    let migrations = MigrationSource::<DB>::migrations(embedded).map_err(failed)?;
    let versions = migrations
        .iter()
        .map(|migration| migration.name().version().to_string());
    let mut versions: Vec<String> = versions.collect();
    versions.sort_unstable();
    Ok(versions)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` takes"
)]
fn failed(error: impl ToString) -> Error {
    Error::Migration(error.to_string())
}
