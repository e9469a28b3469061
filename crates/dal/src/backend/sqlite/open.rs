//! Opening the file.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use diesel::{
    ConnectionError, ConnectionResult, QueryResult, RunQueryDsl, SqliteConnection,
    connection::{Connection as _, SimpleConnection},
    sql_types::Text,
};

/// What every connection is told. `synchronous = FULL`: a commit that was answered survives a power cut.
const SETTINGS: &str = "PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA journal_size_limit = 67108864";

/// How long a connection waits for writers of other programs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Earlier versions can corrupt a WAL file that several connections write to.
const OLDEST_SAFE_VERSION: [u32; 3] = [3, 51, 3];

/// Opens the file, and makes it if it is missing. Says what is wrong with a path that cannot be used.
pub(crate) fn open(path: &str) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(path)
        .map_err(|error| ConnectionError::BadConnection(format!("{error}; {}", obstacle(path))))?;
    match set_up(&mut connection) {
        Ok(()) => Ok(connection),
        Err(ConnectionError::CouldntSetupConfiguration(error)) => Err(
            ConnectionError::BadConnection(format!("{error}{}", advice(path, &error))),
        ),
        Err(error) => Err(error),
    }
}

fn set_up(connection: &mut SqliteConnection) -> ConnectionResult<()> {
    setup(connection.batch_execute(&format!("{};\n    {SETTINGS}", wait())))?;
    let version = setup(ask(connection, "SELECT sqlite_version() AS answer"))?;
    if !is_safe(&version) {
        return Err(ConnectionError::BadConnection(format!(
            "SQLite {version} can corrupt files in WAL mode; build with the bundled one"
        )));
    }
    setup(enter_wal_mode(connection))?;
    // A file on a network file system stays as it is, silently.
    let mode = setup(ask(
        connection,
        "SELECT journal_mode AS answer FROM pragma_journal_mode",
    ))?;
    if mode != "wal" {
        return Err(ConnectionError::BadConnection(format!(
            "the file cannot be put into WAL mode (it is in {mode} mode); keep it on a local disk"
        )));
    }
    setup(require_writable(connection))
}

fn setup<T>(done: QueryResult<T>) -> ConnectionResult<T> {
    done.map_err(ConnectionError::CouldntSetupConfiguration)
}

/// A file that may only be read is opened all the same, and would refuse the first write; even `BEGIN IMMEDIATE` does
/// not say so. If another is writing, the answer is no matter, and is not waited for.
fn require_writable(connection: &mut SqliteConnection) -> QueryResult<()> {
    let probe = connection.batch_execute(
        "PRAGMA busy_timeout = 0;
        BEGIN IMMEDIATE;
        CREATE TABLE __taskbox_may_write (a INTEGER);
        ROLLBACK",
    );
    match probe {
        Err(error) if !is_locked(&error) => Err(error),
        _ => connection.batch_execute(&wait()),
    }
}

/// Makes the connection wait for other writers.
fn wait() -> String {
    format!("PRAGMA busy_timeout = {}", BUSY_TIMEOUT.as_millis())
}

/// Why a file cannot be opened, of which `SQLite` says no more than that.
fn obstacle(path: &str) -> String {
    let path = Path::new(path);
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let (file, folder) = (path.display(), folder);
    if path.is_dir() {
        format!("{file} is a folder: name a file in it")
    } else if !folder.is_dir() {
        format!("there is no folder {}: make it first", folder.display())
    } else {
        format!("let this program read and write {file} and its folder")
    }
}

/// What to do about an error that SQLite has a word for, if that does not say it.
fn advice(path: &str, error: &diesel::result::Error) -> String {
    let diesel::result::Error::DatabaseError(_, information) = error else {
        return String::new();
    };
    match information.message() {
        "file is not a database" => format!("; name another file than {path}"),
        "attempt to write a readonly database" | "unable to open database file" => {
            format!("; {}", obstacle(path))
        }
        _ => String::new(),
    }
}

/// Sets the mode, which is kept in the file.
///
/// Of connections that set it on a new file at the same time, all but one are refused at once, whatever the busy
/// timeout: each has read the file, and `SQLite` lets no reader wait to become a writer. So it is asked again.
fn enter_wal_mode(connection: &mut SqliteConnection) -> QueryResult<()> {
    const PAUSE: Duration = Duration::from_millis(5);

    let started = Instant::now();
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if is_locked(&error) && started.elapsed() < BUSY_TIMEOUT => {
                thread::sleep(PAUSE);
            }
            entered => return entered,
        }
    }
}

/// Diesel does not tell `SQLITE_BUSY` from other codes, but hands its text on.
fn is_locked(error: &diesel::result::Error) -> bool {
    use diesel::result::Error::DatabaseError;
    matches!(error, DatabaseError(_, information) if information.message() == "database is locked")
}

pub(super) fn ask(connection: &mut SqliteConnection, question: &str) -> QueryResult<String> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    diesel::sql_query(question)
        .get_result(connection)
        .map(|row: Row| row.answer)
}

fn is_safe(version: &str) -> bool {
    let parts: Vec<u32> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    parts.as_slice() >= OLDEST_SAFE_VERSION.as_slice()
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn versions_that_can_corrupt_a_wal_file_are_refused() {
        assert!(is_safe("3.51.3"));
        assert!(is_safe("3.53.0"));
        assert!(is_safe("4.0"));
        assert!(!is_safe("3.51.2"));
        assert!(!is_safe("3.9.9"));
        assert!(!is_safe(""));
    }
}
