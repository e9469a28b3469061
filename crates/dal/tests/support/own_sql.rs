//! The program's own SQL in a transaction.

use diesel_async::RunQueryDsl;
use taskbox_dal::{Result, Tx};

/// Runs a statement on the connection of the transaction, whichever backend it is of.
pub(crate) async fn execute(tx: &mut Tx<'_>, sql: &str) -> Result<usize> {
    let query = diesel::sql_query(sql.to_owned());
    if let Ok(connection) = tx.postgres() {
        return Ok(query.execute(connection).await?);
    }
    Ok(query.execute(tx.sqlite()?).await?)
}
