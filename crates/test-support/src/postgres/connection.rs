use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage, SimpleQueryRow};

pub(super) struct Connection(Client);

impl Connection {
    pub(super) async fn open(url: &str) -> Self {
        let (client, driver) = tokio_postgres::connect(url, NoTls)
            .await
            .unwrap_or_else(|error| {
                panic!(
                    "cannot connect to {url}: {}; is the server running?",
                    reason(&error)
                )
            });
        // Ends with the client; what goes wrong here reaches the client's calls, too.
        tokio::spawn(driver);
        Self(client)
    }

    pub(super) async fn execute(&self, sql: &str) {
        if let Err(error) = self.try_execute(sql).await {
            panic!("{error}, in: {sql}");
        }
    }

    pub(super) async fn try_execute(&self, sql: &str) -> Result<(), String> {
        let result = self.0.batch_execute(sql).await;
        result.map_err(|error| reason(&error))
    }

    /// By the simple protocol, which answers every type as text.
    pub(super) async fn query(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let messages = self
            .0
            .simple_query(sql)
            .await
            .unwrap_or_else(|error| panic!("{}, in: {sql}", reason(&error)));
        messages.iter().filter_map(row).map(texts).collect()
    }
}

fn row(message: &SimpleQueryMessage) -> Option<&SimpleQueryRow> {
    match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    }
}

fn texts(row: &SimpleQueryRow) -> Vec<Option<String>> {
    (0..row.len())
        .map(|column| row.get(column).map(str::to_owned))
        .collect()
}

/// The server's own words, which the error's `Display` leaves out.
fn reason(error: &Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
