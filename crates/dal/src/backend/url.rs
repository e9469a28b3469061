//! What a database URL means.

use crate::{Error, Result};

/// The database that a URL names.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    #[cfg(feature = "postgres")]
    Postgres(Box<super::postgres::Server>),
    #[cfg(feature = "sqlite")]
    Sqlite(std::path::PathBuf),
    #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
    None(std::convert::Infallible),
}

const WHAT: &str = "the database URL";

impl Target {
    /// Reads a URL. An error never repeats it, since it may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "postgres" | "postgresql" => postgres(url),
            "sqlite" => sqlite(url),
            _ => Err(Error::invalid(
                WHAT,
                "must begin with postgres:// (as in postgres://user@host/database) or sqlite:// (as in sqlite://tasks.db)",
            )),
        }
    }
}

#[cfg(feature = "postgres")]
fn postgres(url: &str) -> Result<Target> {
    let server =
        super::postgres::Server::parse(url).map_err(|problem| Error::invalid(WHAT, problem))?;
    Ok(Target::Postgres(Box::new(server)))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_url: &str) -> Result<Target> {
    Err(not_compiled("Postgres", "postgres"))
}

#[cfg(feature = "sqlite")]
fn sqlite(url: &str) -> Result<Target> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"))
        .unwrap_or_default();
    if let Some((_, parameters)) = path.split_once('?') {
        let name = parameters.split(['=', '&']).next().unwrap_or_default();
        let problem = format!("has the parameter `{name}`; sqlite:// URLs take none");
        return Err(Error::invalid(WHAT, problem));
    }
    let problem = match path {
        "" => "names no file; write sqlite://tasks.db, or sqlite:///var/lib/tasks.db",
        _ if path.contains(":memory:") => {
            "names a database in memory, of which every connection of the pool would have another; use a file"
        }
        _ if path.contains('\0') => "contains a NUL character",
        _ => return Ok(Target::Sqlite(path.into())),
    };
    Err(Error::invalid(WHAT, problem))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_url: &str) -> Result<Target> {
    Err(not_compiled("SQLite", "sqlite"))
}

#[cfg(not(all(feature = "postgres", feature = "sqlite")))]
fn not_compiled(backend: &str, feature: &str) -> Error {
    Error::invalid(
        WHAT,
        format!(
            "names {backend}, which is not compiled in; enable the feature `{feature}` of taskbox-dal"
        ),
    )
}
