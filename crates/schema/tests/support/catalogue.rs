//! Constraints and indexes as the databases know them, after all migrations.

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{
    migrations,
    postgres::{self, Database},
    sqlite,
};

/// The definitions of a backend, each with its table: `UNIQUE (…)`, `CREATE INDEX … ON …`.
pub(crate) struct Catalogue {
    pub(crate) backend: &'static str,
    constraints: Vec<(String, String)>,
    indexes: Vec<(String, String)>,
    storage: Vec<(String, String)>,
}

impl Catalogue {
    pub(crate) fn of_both() -> [Self; 2] {
        [of_postgres(), of_sqlite()]
    }

    pub(crate) fn constraints(&self, table: &str) -> Vec<&str> {
        of_table(&self.constraints, table)
    }

    pub(crate) fn indexes(&self, table: &str) -> Vec<&str> {
        of_table(&self.indexes, table)
    }

    /// How Postgres is to store each table that says so, and when to vacuum it, such as `fillfactor=50`.
    pub(crate) fn storage(&self) -> Vec<(&str, &str)> {
        let storage = self.storage.iter();
        storage
            .map(|(table, option)| (table.as_str(), option.as_str()))
            .collect()
    }
}

fn of_table<'a>(definitions: &'a [(String, String)], table: &str) -> Vec<&'a str> {
    definitions
        .iter()
        .filter(|(owner, _)| owner == table)
        .map(|(_, definition)| definition.as_str())
        .collect()
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

fn of_postgres() -> Catalogue {
    let database = Database::create();
    postgres::runtime().block_on(async {
        let mut connection = AsyncPgConnection::establish(&database.url).await.unwrap();
        connection
            .batch_execute(&migrations::script("postgres"))
            .await
            .unwrap();
        let mut read = async |query: &str| -> Vec<(String, String)> {
            let rows: Vec<Definition> = sql_query(query).load(&mut connection).await.unwrap();
            rows.into_iter()
                .map(|row| (row.owner, row.definition))
                .collect()
        };
        Catalogue {
            backend: "postgres",
            constraints: read(
                "SELECT conrelid::regclass::text AS owner, pg_get_constraintdef(oid) AS definition
                 FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
            )
            .await,
            indexes: read(
                "SELECT tablename::text AS owner, indexdef AS definition
                 FROM pg_indexes WHERE schemaname = 'public'",
            )
            .await,
            storage: read(
                "SELECT relname::text AS owner, option AS definition
                 FROM pg_class, unnest(reloptions) option
                 WHERE relnamespace = 'public'::regnamespace ORDER BY relname, option",
            )
            .await,
        }
    })
}

fn of_sqlite() -> Catalogue {
    let database = sqlite::migrated();
    let read = |query| sqlite::pairs(&database, query);
    let keys = read(
        "SELECT main.name, iif(list.origin = 'pk', 'PRIMARY KEY (', 'UNIQUE (')
             || (SELECT group_concat(name, ', ') FROM pragma_index_info(list.name)) || ')'
         FROM sqlite_schema main, pragma_index_list(main.name) list
         WHERE main.type = 'table' AND list.origin <> 'c'",
    );
    let references = read(
        "SELECT main.name, 'FOREIGN KEY (' || list.\"from\" || ') REFERENCES '
             || list.\"table\" || '(' || list.\"to\" || ') ON DELETE ' || list.on_delete
         FROM sqlite_schema main, pragma_foreign_key_list(main.name) list
         WHERE main.type = 'table'",
    );
    let tables = read("SELECT name, sql FROM sqlite_schema WHERE type = 'table'");
    Catalogue {
        backend: "sqlite",
        constraints: [keys, references, checks(&tables)].concat(),
        indexes: read(
            "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
        ),
        storage: Vec::new(),
    }
}

/// SQLite keeps CHECK constraints in no other form than the table's text.
fn checks(tables: &[(String, String)]) -> Vec<(String, String)> {
    tables
        .iter()
        .flat_map(|(owner, sql)| {
            let conditions = sql.split("CHECK ").skip(1).map(in_parentheses);
            conditions.map(|condition| (owner.clone(), format!("CHECK {condition}")))
        })
        .collect()
}

fn in_parentheses(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        depth == 0
    });
    &text[..=end.unwrap()]
}
