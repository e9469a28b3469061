use crate::{DAL, Result, connection::Connection, door::sealed::Door, queries::durability};

/// By what settings the database keeps what it has answered as committed: from [`DAL::durability`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Of the server, for the connections of this `DAL`.
    Postgres {
        /// `fsync`: whether anything waits for the disk.
        fsync: bool,
        /// `full_page_writes`: whether pages that were half written when the machine stopped can be mended.
        full_page_writes: bool,
        /// `synchronous_commit`: what COMMIT waits for, such as `on` or `off`.
        synchronous_commit: String,
    },
    /// Of the connections of this `DAL`.
    Sqlite {
        /// `journal_mode`, such as `wal`.
        journal_mode: String,
        /// `synchronous`: 0 is OFF, 1 NORMAL, 2 FULL, 3 EXTRA.
        synchronous: i32,
    },
}

impl Durability {
    /// What the settings may cost when the machine stops at once, in words; empty if nothing.
    ///
    /// It is the word of the settings alone: of a disk that lies, and of a standby that takes over and had not heard of
    /// the last commits, they do not know.
    #[must_use]
    pub fn risks(&self) -> Vec<&'static str> {
        let risks = match self {
            Self::Postgres {
                fsync,
                full_page_writes,
                synchronous_commit,
            } => [
                (
                    !fsync,
                    "fsync is off: the whole database may be lost; turn it on",
                ),
                (
                    !full_page_writes,
                    "full_page_writes is off: pages may be damaged; turn it on",
                ),
                (
                    synchronous_commit == "off",
                    "synchronous_commit is off: the last commits may be lost; turn it on",
                ),
            ],
            Self::Sqlite {
                journal_mode,
                synchronous,
            } => [
                (
                    matches!(journal_mode.as_str(), "off" | "memory"),
                    "journal_mode keeps no journal on disk: the whole file may be lost; set it to WAL",
                ),
                (
                    *synchronous == 0,
                    "synchronous is OFF: the whole file may be lost; set it to FULL",
                ),
                (
                    *synchronous == 1,
                    "synchronous is NORMAL: the last commits may be lost; set it to FULL",
                ),
            ],
        };
        let real = risks.into_iter().filter(|(is_real, _)| *is_real);
        real.map(|(_, risk)| risk).collect()
    }

    /// Says what may be lost.
    pub(crate) fn warn(&self) {
        for risk in self.risks() {
            tracing::warn!("what was committed may be lost: {risk}");
        }
    }
}

impl DAL {
    /// Asks the database by what settings it keeps commits. [`connect`](Self::connect) has asked, too, and warned of each
    /// risk by `tracing`; after [`from_pool`](Self::from_pool) nobody has.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    ///
    /// async fn check(dal: &DAL) -> Result<()> {
    ///     let durability = dal.durability().await?;
    ///     assert!(durability.risks().is_empty(), "{durability:?}");
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { check(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn durability(&self) -> Result<Durability> {
        self.read(async |connection: &mut Connection<'_>| durability::get(connection).await)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::Durability;

    #[test]
    fn each_setting_that_may_lose_commits_is_a_risk() {
        let postgres = |fsync, full_page_writes, commit: &str| Durability::Postgres {
            fsync,
            full_page_writes,
            synchronous_commit: commit.to_owned(),
        };
        for commit in ["on", "local", "remote_write", "remote_apply"] {
            assert!(postgres(true, true, commit).risks().is_empty());
        }
        assert!(postgres(false, true, "on").risks()[0].starts_with("fsync"));
        assert!(postgres(true, false, "on").risks()[0].starts_with("full_page"));
        assert!(postgres(true, true, "off").risks()[0].starts_with("synchronous"));
        assert_eq!(postgres(false, false, "off").risks().len(), 3);

        let sqlite = |journal_mode: &str, synchronous| Durability::Sqlite {
            journal_mode: journal_mode.to_owned(),
            synchronous,
        };
        for journal in ["wal", "delete", "truncate", "persist"] {
            assert!(sqlite(journal, 2).risks().is_empty());
            assert!(sqlite(journal, 3).risks().is_empty());
        }
        for journal in ["memory", "off"] {
            assert!(sqlite(journal, 2).risks()[0].starts_with("journal_mode"));
        }
        assert!(sqlite("wal", 1).risks()[0].contains("NORMAL"));
        assert!(sqlite("wal", 0).risks()[0].contains("OFF"));
    }
}
