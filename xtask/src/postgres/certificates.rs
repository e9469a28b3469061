//! Certificates for a server and a client of it, from an issuer of their own that nobody else trusts.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};

use crate::account::Account;

/// The server's name. Its address, by which the tests connect, is left out: so one certificate is that of the right
/// host and of a wrong one.
const HOST: &str = "localhost";
/// Who the client's certificate is for, as `pg_hba.conf` takes it.
const CLIENT: &str = "taskbox_certified";

/// Who has to show what: the role of the client's certificate that one, a role with a password that, and all others,
/// in the lines that follow these, nothing.
pub(super) const ADMISSION: &str = "hostssl all taskbox_certified all cert
hostnossl all taskbox_certified all reject
host all taskbox_password all scram-sha-256
";

/// A folder with `ca.pem`, and `server` and `client`, each `.pem` and `.key`.
pub(super) struct Certificates(PathBuf);

impl Certificates {
    pub(super) fn create(folder: PathBuf, account: &Account) -> Result<Self> {
        fs::create_dir(&folder)?;
        account.owns(&folder)?;
        let certificates = Self(folder);
        certificates
            .issue(account)
            .with_context(|| format!("cannot make certificates in {}", certificates.0.display()))?;
        Ok(certificates)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// What the server is told.
    pub(super) fn settings(&self) -> [String; 4] {
        let file = |name| self.0.join(name).display().to_string();
        [
            "ssl=on".to_owned(),
            format!("ssl_ca_file={}", file("ca.pem")),
            format!("ssl_cert_file={}", file("server.pem")),
            format!("ssl_key_file={}", file("server.key")),
        ]
    }

    fn issue(&self, account: &Account) -> Result<()> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Taskbox's tests");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        self.write("ca.pem", &issuer.pem(), account)?;
        let server = CertificateParams::new([HOST.to_owned()])?;
        self.issue_to("server", &server, &issuer, account)?;
        let mut client = CertificateParams::new([])?;
        client.distinguished_name.push(DnType::CommonName, CLIENT);
        self.issue_to("client", &client, &issuer, account)
    }

    fn issue_to(
        &self,
        name: &str,
        params: &CertificateParams,
        issuer: &Issuer<'_, KeyPair>,
        account: &Account,
    ) -> Result<()> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, issuer)?;
        self.write(&format!("{name}.pem"), &certificate.pem(), account)?;
        self.write(&format!("{name}.key"), &key.serialize_pem(), account)
    }

    /// Postgres takes no key that others than its account can read.
    fn write(&self, name: &str, content: &str, account: &Account) -> Result<()> {
        let path = self.0.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(content.as_bytes())?;
        account.owns(&path)
    }
}
