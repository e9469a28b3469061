//! Why a connection was not made, and what to do about it.

use std::{error::Error as StdError, io};

use rustls::CertificateError;
use tokio_postgres::{Error, error::SqlState};

/// The error with its causes, and with advice if there is any.
pub(super) fn reason(error: &Error) -> String {
    let mut reason = with_causes(error);
    if let Some(advice) = advice(error) {
        reason.push_str("; ");
        reason.push_str(advice);
    }
    reason
}

/// The error with its causes, without which it is no more than "db error".
pub(super) fn with_causes(error: &Error) -> String {
    let mut reason = error.to_string();
    for cause in causes(error) {
        reason.push_str(": ");
        reason.push_str(&cause.to_string());
    }
    reason
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| StdError::source(*cause))
}

fn advice(error: &Error) -> Option<&'static str> {
    if let Some(said) = error.as_db_error() {
        let is_of_options = said.message().contains("startup parameter");
        return is_of_options.then_some(OPTIONS).or(by_code(said.code()));
    }
    causes(error).find_map(by_cause)
}

fn by_code(code: &SqlState) -> Option<&'static str> {
    Some(match code {
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "correct the user, the password or the sslmode of the URL, or the server's pg_hba.conf"
        }
        &SqlState::INVALID_CATALOG_NAME => {
            "make the database (`createdb`), or correct its name in the URL"
        }
        &SqlState::TOO_MANY_CONNECTIONS => {
            "make the pools smaller, or raise max_connections of the server"
        }
        &SqlState::CANNOT_CONNECT_NOW => "the server is starting or stopping; try again",
        _ => return None,
    })
}

fn by_cause(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        // It hides what it holds, and counts that one's cause as its own.
        let held = error.get_ref().and_then(|held| held.downcast_ref());
        return held.map_or(Some(HOST), by_tls);
    }
    if cause.to_string() == "server does not support TLS" {
        return Some("turn `ssl` on in the server, or go without it by sslmode=disable");
    }
    cause.downcast_ref().and_then(by_tls)
}

/// What `PgBouncer` says of settings that it would have to keep for one client alone.
const OPTIONS: &str = "a pooler between refuses `options`, by which a schema is told, too: connect to the server itself, or \
     give the role its settings and have the pooler ignore them";

const HOST: &str = "is the server running, and are host and port of the URL right?";

fn by_tls(error: &rustls::Error) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(problem) = error else {
        return None;
    };
    Some(match problem {
        CertificateError::UnknownIssuer => {
            "name the file with the root certificate of the server's issuer in `sslrootcert`"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "connect by a name that the certificate has, or be content with sslmode=verify-ca"
        }
        _ => "give the server a certificate that is valid",
    })
}
