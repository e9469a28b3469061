//! TLS, with the meanings that libpq gives `sslmode`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::verifier::WithoutName;

/// What a server's certificate has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing: the line is encrypted, to whoever answers.
    Nothing,
    /// That it was issued by one of the roots.
    Issuer,
    /// The same, and that it is the host's of the URL.
    IssuerAndName,
}

/// How the line to a server is secured.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) check: Check,
    /// The file with the roots; those of the system if there is none.
    pub(super) roots: Option<PathBuf>,
    pub(super) identity: Option<Identity>,
}

/// What the client shows of itself.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Tls {
    /// What makes the connections. Reads the files, as libpq does for each connection: those that were renewed are
    /// taken without a restart.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match self.check {
            Check::IssuerAndName => builder.with_root_certificates(self.read_roots()?),
            Check::Issuer => {
                let verifier = WithoutName::issued_by(self.read_roots()?, &provider);
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
            }
            Check::Nothing => {
                let verifier = WithoutName::issued_by_anyone(&provider);
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let mut config = self.identify(builder)?;
        // As libpq does; a server is not obliged to answer it, unless `sslnegotiation=direct`.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }

    fn identify(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, String> {
        let Some(Identity { certificate, key }) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates("sslcert", certificate)?;
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| unreadable("sslkey", key, "private key", &error))?;
        builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| format!("has an `sslcert` and an `sslkey` that do not fit: {error}"))
    }

    fn read_roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = &self.roots {
            for certificate in certificates("sslrootcert", path)? {
                roots
                    .add(certificate)
                    .map_err(|error| format!("names `sslrootcert={}`: {error}", path.display()))?;
            }
        } else {
            let found = rustls_native_certs::load_native_certs();
            let _ = roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(
                    "asks to verify the server, and the system has no root certificates; install them, or name a file in `sslrootcert`"
                        .to_owned(),
                );
            }
        }
        Ok(roots)
    }
}

/// The certificates of a file, of which there must be one.
fn certificates(parameter: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(parameter, path, "certificate", &error))?;
    if certificates.is_empty() {
        return Err(format!(
            "names `{parameter}={}`, which has no certificate in PEM form",
            path.display()
        ));
    }
    Ok(certificates)
}

fn unreadable(parameter: &str, path: &Path, what: &str, error: &pem::Error) -> String {
    let path = path.display();
    match error {
        pem::Error::NoItemsFound => {
            format!("names `{parameter}={path}`, which has no {what} in PEM form")
        }
        error => format!("names `{parameter}={path}`, which cannot be read: {error}"),
    }
}
