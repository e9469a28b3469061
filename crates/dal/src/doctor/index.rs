use std::collections::BTreeMap;

use super::DoctorDAL;
use crate::{
    Door, Result,
    connection::Connection,
    queries::doctor::index::{self, expected},
};

/// An index that the migrations make, and that is not of use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexFault {
    /// The table that it is on.
    pub table: &'static str,
    /// Its name.
    pub index: &'static str,
    /// What is wrong with it.
    pub problem: IndexProblem,
}

/// What is wrong with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexProblem {
    /// It is not there. What looked by it reads the table from end to end; one that is unique keeps nothing out.
    Missing,
    /// It is there and nobody may use it: a `CREATE INDEX CONCURRENTLY` or a `REINDEX` did not come to its end. On
    /// Postgres alone.
    Invalid,
}

impl<D: Door> DoctorDAL<D> {
    /// The indexes that the migrations make and that are missing or invalid, those of primary and unique keys on
    /// Postgres included; empty if all are there. Others are nobody's business here.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn indexes(self) -> Result<Vec<IndexFault>> {
        self.door
            .read(async |connection: &mut Connection<'_>| {
                let found: BTreeMap<String, bool> =
                    index::found(connection).await?.into_iter().collect();
                let faults = expected(connection).iter().filter_map(|(table, index)| {
                    let problem = match found.get(*index) {
                        Some(true) => return None,
                        Some(false) => IndexProblem::Invalid,
                        None => IndexProblem::Missing,
                    };
                    Some(IndexFault {
                        table,
                        index,
                        problem,
                    })
                });
                Ok(faults.collect())
            })
            .await
    }
}
