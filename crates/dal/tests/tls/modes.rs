//! Each mode against the server of the tests, which has TLS.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use taskbox_dal::{DAL, Error};
use taskbox_test_support::{TestDatabase, certificates};

use super::{by_address, by_name, is_encrypted, refusal, roots, roots_in};

pub(crate) async fn each_mode_makes_the_connection_that_it_names(db: &TestDatabase) {
    let (url, roots) = (by_name(db), roots());
    for (parameters, encrypted) in [
        ("sslmode=disable".to_owned(), false),
        ("application_name=a%20b".to_owned(), true),
        ("sslmode=prefer".to_owned(), true),
        ("sslmode=require".to_owned(), true),
        (format!("sslmode=require&{roots}"), true),
        (format!("sslmode=verify-ca&{roots}"), true),
        (
            format!("{roots}&connect_timeout=5&sslmode=verify-full"),
            true,
        ),
    ] {
        let dal = DAL::connect(format!("{url}?{parameters}")).await.unwrap();
        assert_eq!(is_encrypted(&dal).await.unwrap(), encrypted, "{parameters}");
    }
    assert!(
        is_encrypted(&DAL::connect(url).await.unwrap())
            .await
            .unwrap()
    );
}

/// A root certificate that the server's was not issued by.
fn another_root() -> String {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

pub(crate) async fn a_server_of_another_issuer_is_refused(db: &TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.pem");
    fs::write(&other, another_root()).unwrap();
    let (url, other) = (by_name(db), roots_in(&other));
    for mode in ["require", "verify-ca", "verify-full"] {
        let problem = refusal(&format!("{url}?sslmode={mode}&{other}")).await;
        assert!(problem.contains("UnknownIssuer"), "{mode}: {problem}");
        assert!(problem.contains("`sslrootcert`"), "{mode}: {problem}");
    }
    // Nor do the roots of the system know it, if there are any.
    for system in ["", "&sslrootcert=system"] {
        let refused = DAL::connect(format!("{url}?sslmode=verify-full{system}")).await;
        let problem = refused.unwrap_err();
        let typed = matches!(problem, Error::Connection(_) | Error::InvalidInput { .. });
        assert!(
            typed && problem.to_string().contains("`sslrootcert`"),
            "{problem}"
        );
    }
}

pub(crate) async fn a_server_of_another_name_is_refused_by_verify_full(db: &TestDatabase) {
    let (url, roots) = (by_address(db), roots());
    let problem = refusal(&format!("{url}?sslmode=verify-full&{roots}")).await;
    assert!(problem.contains("not valid for name"), "{problem}");
    assert!(problem.contains("sslmode=verify-ca"), "{problem}");
    let dal = DAL::connect(format!("{url}?sslmode=verify-ca&{roots}")).await;
    assert!(is_encrypted(&dal.unwrap()).await.unwrap());
    // An address alone is its own name.
    let port = url.rsplit([':', '/']).nth(1).unwrap();
    let name = url.rsplit('/').next().unwrap();
    let by_address = format!("postgres:///{name}?hostaddr=127.0.0.1&port={port}&user=postgres");
    let problem = refusal(&format!("{by_address}&sslmode=verify-full&{roots}")).await;
    assert!(problem.contains("not valid for name"), "{problem}");
    let dal = DAL::connect(format!("{by_address}&sslmode=prefer")).await;
    assert!(is_encrypted(&dal.unwrap()).await.unwrap());
}

pub(crate) async fn roots_are_read_for_each_connection(db: &TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    fs::copy(certificates().join("ca.pem"), &file).unwrap();
    let url = format!("{}?sslmode=verify-full&{}", by_name(db), roots_in(&file));
    let dal = DAL::connect(url).await.unwrap();
    fs::write(&file, another_root()).unwrap();
    let other = dal.with_own_pool(1).unwrap().unwrap();
    let refused = other.task_outbox().count_pending().await.unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 0);
}
