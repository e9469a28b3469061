//! What a URL can ask for in the way of TLS.

use std::fs;

use taskbox_dal::{DAL, Error};
use taskbox_test_support::certificates;

/// Why a URL with these parameters is not even tried.
async fn problem(parameters: &str) -> String {
    let url = format!("postgres://u:s3cr3t@nowhere.invalid/tasks?{parameters}");
    let error = DAL::connect(url).await.unwrap_err();
    let problem = format!("{error} {error:?}");
    let typed = matches!(error, Error::InvalidInput { .. });
    assert!(
        typed && !problem.contains("s3cr3t"),
        "{parameters}: {problem}"
    );
    problem
}

#[tokio::test]
async fn what_would_not_be_done_is_refused() {
    let folder = certificates();
    let folder = folder.display();
    let (roots, pair) = (
        format!("sslrootcert={folder}/ca.pem"),
        format!("sslcert={folder}/client.pem&sslkey={folder}/client.key"),
    );
    for (parameters, why) in [
        ("sslmode=allow", "`sslmode` that is none of disable"),
        ("sslmode=Require", "`sslmode` that is none of disable"),
        ("sslmode=", "`sslmode` without a value"),
        ("sslmode", "`sslmode` without a value"),
        ("ssl=true", "`ssl`"),
        ("sslcrl=/a", "`sslcrl`"),
        ("sslmode=verify-ca", "name a file in `sslrootcert`"),
        ("sslmode=verify-ca&sslrootcert=system", "use verify-full"),
        ("sslmode=require&sslrootcert=system", "use verify-full"),
        (&roots, "add sslmode=verify-full"),
        (
            &format!("sslmode=disable&{roots}"),
            "add sslmode=verify-full",
        ),
        (&pair, "add sslmode=verify-full"),
        (
            "sslmode=require&sslcert=a.pem",
            "both `sslcert` and `sslkey`",
        ),
        (
            "sslmode=require&sslkey=a.key",
            "both `sslcert` and `sslkey`",
        ),
        ("sslmode=require&host=%2Frun", "Unix socket"),
        ("sslmode=require&sslrootcert=%ff", "that is not UTF-8"),
        (
            "sslmode=verify-full&sslrootcert=/missing.pem",
            "cannot be read",
        ),
    ] {
        let problem = problem(parameters).await;
        assert!(problem.contains(why), "{parameters}: {problem}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("my notes.pem");
    fs::write(&notes, "no certificate").unwrap();
    let escaped = notes.display().to_string().replace(' ', "%20");
    let own = certificates();
    let own = own.display();
    for (parameters, why) in [
        (format!("sslrootcert={escaped}"), "has no certificate"),
        (
            format!("sslrootcert={own}/ca.pem&sslcert={escaped}&sslkey={own}/client.key"),
            "has no certificate",
        ),
        (
            format!("sslrootcert={own}/ca.pem&sslcert={own}/client.pem&sslkey={escaped}"),
            "has no private key",
        ),
    ] {
        let problem = problem(&format!("sslmode=verify-full&{parameters}")).await;
        assert!(problem.contains(why), "{parameters}: {problem}");
        assert!(problem.contains("my notes.pem"), "{parameters}: {problem}");
    }
    let pair = format!("sslcert={own}/client.pem&sslkey={own}/server.key");
    let problem = problem(&format!("sslmode=require&{pair}")).await;
    assert!(problem.contains("do not fit"), "{problem}");
}
