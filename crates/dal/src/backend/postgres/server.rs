//! What a `postgres://` URL says.

use std::{path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use super::{
    reason::with_causes,
    tls::{Check, Identity, Tls},
};
use crate::schema::Schema;

/// After how long without a word the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The same where the URL says nothing.
const OS_KEEPALIVE: Duration = Duration::from_hours(2);

/// A server, who connects to it, how the line is secured, and the schema in which all is done.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) config: Config,
    /// `None` if the URL says `sslmode=disable`.
    pub(super) tls: Option<Tls>,
    /// `None` for those that the server looks in by itself, or that the `options` of the URL name.
    pub(super) schema: Option<Schema>,
}

impl Server {
    /// Reads a URL, and the files that it names. What is said of a wrong one never repeats it, since it may hold a
    /// password.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let server = Self::read(url)?;
        if let Some(tls) = &server.tls {
            // So that a file which is wrong shows now, and not at the first connection.
            tls.connector()?;
        }
        Ok(server)
    }

    /// Reads a URL, and no files.
    pub(crate) fn read(url: &str) -> Result<Self, String> {
        if url.matches('@').count() > 1 {
            return Err(
                "has more than one @; write those in a user, a password or a parameter as %40"
                    .to_owned(),
            );
        }
        // The driver takes all before the @ for the user, and what is behind it in a password for the host.
        if url
            .split_once('@')
            .is_some_and(|(user, _)| user.contains('?'))
        {
            return Err(
                "has a ? before its @; write it as %3F, or the @ as %40 if it is of a parameter"
                    .to_owned(),
            );
        }
        let (rest, parameters) = Parameters::split(url)?;
        let mut config: Config = rest
            .parse()
            .map_err(|error| format!("is malformed: {}", with_causes(&error)))?;
        if config.get_application_name().is_none() {
            config.application_name("taskbox");
        }
        // Two hours otherwise, for which a machine that vanished would be waited for.
        if config.get_keepalives_idle() == OS_KEEPALIVE {
            config.keepalives_idle(KEEPALIVE);
            config.keepalives_interval(KEEPALIVE / 3);
            config.keepalives_retries(3);
        }
        if config.get_hosts().is_empty() {
            // A certificate is looked for by the host's name, for which its address stands in.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        let tls = parameters.tls(&mut config)?;
        Ok(Self {
            config,
            tls,
            schema: None,
        })
    }

    /// The same server, in this schema and no other.
    ///
    /// It is told when a connection is made, so that this is what RESET goes back to. There is nothing behind the schema:
    /// what it lacks is an error, also for a statement that would make a table while the schema itself is missing.
    pub(crate) fn within(mut self, schema: &Schema) -> Result<Self, String> {
        let others = self.config.get_options().unwrap_or_default();
        if others
            .to_lowercase()
            .replace('-', "_")
            .contains("search_path")
        {
            return Err(
                "is named by the `options` of the URL, too, as search_path; leave one of them out"
                    .to_owned(),
            );
        }
        // It would make the space behind it a part of their last word, and the server refuse what is left.
        let backslashes = others.bytes().rev().take_while(|byte| *byte == b'\\');
        if backslashes.count() % 2 == 1 {
            return Err(
                "cannot stand behind the `options` of the URL, which end in a backslash; double it, or take it away"
                    .to_owned(),
            );
        }
        let options = format!("{others} -c search_path={schema}");
        self.config.options(options.trim_start());
        self.schema = Some(schema.clone());
        Ok(self)
    }

    pub(crate) fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }
}

/// The parameters of a URL that are about TLS.
#[derive(Default)]
struct Parameters {
    mode: Option<String>,
    roots: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Parameters {
    /// Takes them out of a URL, which leaves what the driver knows.
    fn split(url: &str) -> Result<(String, Self), String> {
        let Some((address, query)) = url.split_once('?') else {
            return Ok((url.to_owned(), Self::default()));
        };
        let mut ours = Self::default();
        let mut others = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "sslmode" => ours.mode = Some(decoded(name, value)?),
                "sslrootcert" => ours.roots = Some(decoded(name, value)?.into()),
                "sslcert" => ours.certificate = Some(decoded(name, value)?.into()),
                "sslkey" => ours.key = Some(decoded(name, value)?.into()),
                _ => others.push(pair),
            }
        }
        Ok((format!("{address}?{}", others.join("&")), ours))
    }

    /// The TLS that they ask for, of which the driver is told whether it may go without.
    fn tls(self, config: &mut Config) -> Result<Option<Tls>, String> {
        let mode = self.mode.as_deref().unwrap_or("prefer");
        let (driver, check) = match mode {
            "disable" => (SslMode::Disable, None),
            "prefer" => (SslMode::Prefer, Some(Check::Nothing)),
            // With roots at hand, libpq holds the server to them.
            "require" if self.roots.is_some() => (SslMode::Require, Some(Check::Issuer)),
            "require" => (SslMode::Require, Some(Check::Nothing)),
            "verify-ca" => (SslMode::Require, Some(Check::Issuer)),
            "verify-full" => (SslMode::Require, Some(Check::IssuerAndName)),
            _ => {
                return Err(
                    "has an `sslmode` that is none of disable, prefer, require, verify-ca and verify-full"
                        .to_owned(),
                );
            }
        };
        config.ssl_mode(driver);
        self.contradiction(mode, config)?;
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            (None, None) => None,
            _ => return Err("needs both `sslcert` and `sslkey`, or neither".to_owned()),
        };
        let roots = self.roots.filter(|path| path.as_os_str() != SYSTEM);
        Ok(check.map(|check| Tls {
            check,
            roots,
            identity,
        }))
    }

    /// What is asked for, and would not be done.
    fn contradiction(&self, mode: &str, config: &Config) -> Result<(), String> {
        let optional = matches!(mode, "disable" | "prefer");
        let system = self
            .roots
            .as_ref()
            .is_none_or(|path| path.as_os_str() == SYSTEM);
        let problem = if optional && (self.roots.is_some() || self.certificate.is_some()) {
            format!(
                "names certificates, which sslmode={mode} would go without; add sslmode=verify-full"
            )
        } else if system && (mode == "verify-ca" || self.roots.is_some() && mode == "require") {
            format!(
                "asks for sslmode={mode} by the roots of the system, who certify anyone; use verify-full, or name a file in `sslrootcert`"
            )
        } else if !optional && config.get_hosts().iter().any(is_socket) {
            format!(
                "asks for TLS (sslmode={mode}) over a Unix socket, which has none; leave `sslmode` out, or name a host"
            )
        } else {
            return Ok(());
        };
        Err(problem)
    }
}

/// The value of `sslrootcert` that stands for the roots of the system.
const SYSTEM: &str = "system";

fn is_socket(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

fn decoded(name: &str, value: &str) -> Result<String, String> {
    let value = percent_decode_str(value).decode_utf8();
    match value {
        Ok(value) if !value.is_empty() => Ok(value.into_owned()),
        _ => Err(format!(
            "has a `{name}` without a value, or that is not UTF-8"
        )),
    }
}
