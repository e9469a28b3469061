//! A table of the program's own, beside Taskbox's.

use taskbox_dal::{Result, Tx};
use taskbox_test_support::{Backend, TestDatabase};

use super::own_sql;

pub(crate) async fn create_table(db: &TestDatabase) {
    let key = match db.backend() {
        Backend::Postgres => "SERIAL",
        Backend::Sqlite => "INTEGER",
    };
    db.execute(&format!("CREATE TABLE orders (id {key} PRIMARY KEY)"))
        .await;
}

pub(crate) async fn insert(tx: &mut Tx<'_>) -> Result<usize> {
    own_sql::execute(tx, "INSERT INTO orders DEFAULT VALUES").await
}

pub(crate) async fn count(db: &TestDatabase) -> i64 {
    db.query_i64("SELECT count(*) FROM orders").await
}
