//! What a database URL means.

use crate::{Error, Result, schema::Schema};

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
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        match scheme {
            // Without the slashes the driver would take the whole for the name of an option, and repeat it.
            "postgres" | "postgresql" if rest.starts_with("//") => postgres(url),
            "sqlite" => sqlite(url),
            _ => Err(Error::invalid(
                WHAT,
                "must begin with postgres:// (as in postgres://user@host/database) or sqlite:// (as in sqlite://tasks.db)",
            )),
        }
    }

    /// The schema of this name in that database, and no other.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "only Postgres has schemas")
    )]
    pub(crate) fn within(self, schema: &Schema) -> Result<Self> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => {
                let server = server
                    .within(schema)
                    .map_err(|problem| Error::invalid("schema", problem))?;
                Ok(Self::Postgres(Box::new(server)))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Err(Error::invalid(
                "schema",
                "is for Postgres; on SQLite give each tenant a file of its own, as in sqlite://tenant_a.db",
            )),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never) => match never {},
        }
    }

    pub(crate) fn schema(&self) -> Option<&Schema> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.schema(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => None,
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never) => match *never {},
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
