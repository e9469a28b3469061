use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use tokio_postgres::{Config, config::Host};

use super::names::is_taken;
use crate::backend::{Target, postgres::Server};

/// No URL has it by chance.
const PASSWORD: &str = "s3cr3t-9f0c";

/// What a URL says is what is connected to, and what is said of one that is refused does not repeat its password.
///
/// A line is a URL. Two are one that has a password between them, and three the same as a parameter.
pub fn url(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    if text.contains(PASSWORD) {
        return; // The fuzzer reads along when it is looked for.
    }
    let parts: Vec<_> = text.splitn(3, '\n').collect();
    match parts.as_slice() {
        [before, after] => credentials(before, after),
        [before, name, after] => parameter(before, name, after),
        _ => whole(text),
    }
}

fn whole(url: &str) {
    match parse(url) {
        None => {}
        Some(Target::Sqlite(path)) => {
            let path = path.to_str().unwrap();
            assert!(!path.is_empty() && !path.contains('\0'));
            match parse(&format!("sqlite://{path}")) {
                Some(Target::Sqlite(again)) => assert_eq!(again.to_str(), Some(path)),
                other => panic!("{other:?}"),
            }
        }
        Some(Target::Postgres(server)) => same(&server.config),
    }
}

/// As the user would write it who has a password.
fn credentials(before: &str, after: &str) {
    let names_a_user = before
        .split_once(':')
        .is_some_and(|(scheme, user)| scheme.starts_with("postgres") && user.contains(':'));
    if names_a_user {
        keeps(&format!("{before}{PASSWORD}@{after}"));
    }
}

fn parameter(before: &str, name: &str, after: &str) {
    if !before.contains(['?', '@']) {
        keeps(&format!(
            "postgres://{before}?{name}&password={PASSWORD}&{after}"
        ));
    }
}

fn keeps(url: &str) {
    if let Some(target) = parse(url) {
        let shown = format!("{target:?}{target:#?}");
        assert!(!shown.contains(PASSWORD), "{url}: {shown}");
    }
}

/// What it names; `None` if it is refused, and then the refusal keeps the password.
fn parse(url: &str) -> Option<Target> {
    let is_server = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let answer = if is_server && url.contains("ssl") {
        // Without the files that it may name, which can be any of this machine.
        let server = Server::read(url);
        server
            .map(|server| Target::Postgres(Box::new(server)))
            .map_err(|problem| crate::Error::invalid("the database URL", problem))
    } else {
        Target::parse(url)
    };
    let error = match answer {
        Ok(target) => return Some(target),
        Err(error) => error,
    };
    let shown = format!("{error}{error:?}");
    assert!(!shown.contains(PASSWORD), "{url}: {shown}");
    assert!(!is_taken("the database URL", Err(error)));
    None
}

/// The same URL, written anew, means the same.
fn same(config: &Config) {
    let mut hosts = Vec::new();
    for (index, host) in config.get_hosts().iter().enumerate() {
        let mut written = match host {
            Host::Tcp(name) => escaped(name.as_bytes()),
            Host::Unix(path) => escaped(path.as_os_str().as_encoded_bytes()),
        };
        let ports = config.get_ports();
        if let Some(port) = ports.get(index).or(ports.first()) {
            write!(written, ":{port}").unwrap();
        }
        hosts.push(written);
    }
    let user = config.get_user().unwrap_or_default();
    let password = config.get_password().unwrap_or_default();
    let (user, password) = (escaped(user.as_bytes()), escaped(password));
    let name = escaped(config.get_dbname().unwrap_or_default().as_bytes());
    let url = format!("postgres://{user}:{password}@{}/{name}", hosts.join(","));
    let again: Config = url.parse().unwrap();
    assert_eq!(again.get_hosts(), config.get_hosts(), "{url}");
    assert_eq!(
        again.get_user().unwrap_or_default(),
        config.get_user().unwrap_or_default()
    );
    let set = |config: &Config| config.get_password().unwrap_or_default().to_vec();
    assert_eq!(set(&again), set(config));
    let set = |config: &Config| config.get_dbname().unwrap_or_default().to_owned();
    assert_eq!(set(&again), set(config));
}

pub(super) fn escaped(bytes: &[u8]) -> String {
    percent_encode(bytes, NON_ALPHANUMERIC).to_string()
}
