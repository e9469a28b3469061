//! What an operation sends to the database, for the tests that look at its SQL.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use diesel::connection::InstrumentationEvent;
use diesel_async::AsyncConnection as _;

use crate::{Tx, connection::Connection};

/// Writes down every statement of a connection from now on, without its values.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    pub(super) fn on(tx: &mut Tx<'_>) -> Self {
        let recorder = Self::default();
        let sink = recorder.clone();
        let listen = move |event: InstrumentationEvent<'_>| sink.note(&event);
        match &mut tx.connection {
            #[cfg(feature = "postgres")]
            Connection::Postgres(line) => line.as_it_is().set_instrumentation(listen),
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(line) => line.as_it_is().set_instrumentation(listen),
        }
        recorder
    }

    /// The statements since the last call, in the order in which they were sent.
    pub(super) fn take(&self) -> Vec<String> {
        mem::take(&mut self.statements())
    }

    fn note(&self, event: &InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let query = query.to_string();
            let text = query.split_once(" -- binds: ").map_or(&*query, |it| it.0);
            // On SQLite a BEGIN asks whether the transaction is still there, and says nothing of the operation.
            if text != "BEGIN" {
                self.statements().push(text.to_owned());
            }
        }
    }

    fn statements(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The statements that an operation sends in a transaction of its own, which must succeed.
macro_rules! record {
    ($dal:expr, |$tx:ident| $operation:expr) => {
        $dal.transaction(async |$tx| {
            let recorder = $crate::queries::recorder::Recorder::on($tx);
            let _ = $operation.await?;
            Ok::<_, $crate::Error>(recorder.take())
        })
        .await
        .unwrap()
    };
}

pub(super) use record;
