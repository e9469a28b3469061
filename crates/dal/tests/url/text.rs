//! URLs that are refused before anything is asked.

use taskbox_dal::{DAL, Error};

use super::refusal;

#[tokio::test]
async fn what_cannot_be_a_url_is_refused_and_says_why() {
    for (url, why) in [
        ("", "must begin with"),
        ("tasks.db", "must begin with"),
        ("mysql://root:s3cr3t@localhost/tasks", "must begin with"),
        ("POSTGRES://u:s3cr3t@localhost/tasks", "must begin with"),
        ("postgres:/u:s3cr3t@localhost/tasks", "must begin with"),
        ("postgres:u:s3cr3t@localhost?a=b", "must begin with"),
        ("postgres://u:s3cr3t@localhost:port/tasks", "is malformed"),
        ("postgres://u:s3cr3t@localhost:99999/tasks", "is malformed"),
        // In a password that is not escaped, a name of a parameter would be a part of it.
        ("postgres://u:a@b?s3cr3t=@localhost/tasks", "write those"),
        ("postgres://u:s3cr3t@a@localhost/tasks", "as %40"),
        ("postgres://localhost/tasks?password=a@s3cr3t", "as %40"),
        ("postgres://u:a?s3cr3t@localhost/tasks", "as %3F"),
        ("postgres://u:s3cr3t@localhost/tasks?colour", "is malformed"),
        (
            "postgres://u:s3cr3t@localhost/tasks?sslmode=disable&colour=red",
            "unknown option `colour`",
        ),
        (
            "postgres://u:s3cr3t@localhost/tasks?colour=red",
            "unknown option `colour`",
        ),
        (
            "postgres://u@localhost/tasks?password=s3cr3t&port=x",
            "is malformed",
        ),
        ("sqlite://", "names no file"),
        ("sqlite:", "names no file"),
        ("sqlite://:memory:", "in memory"),
        ("sqlite::memory:", "in memory"),
        ("sqlite://file::memory:", "in memory"),
        ("sqlite://tasks.db?mode=rwc", "the parameter `mode`"),
        ("sqlite://?cache", "the parameter `cache`"),
        ("sqlite://tasks\0.db", "NUL"),
    ] {
        let error = refusal(DAL::builder(url)).await;
        assert!(
            matches!(error, Error::InvalidInput { .. }),
            "{url:?}: {error:?}"
        );
        assert!(error.to_string().contains(why), "{url:?}: {error}");
    }
}

#[tokio::test]
async fn a_pool_without_connections_is_refused() {
    let error = refusal(DAL::builder("sqlite://tasks.db").pool_size(0)).await;
    assert!(error.to_string().contains("pool_size"), "{error}");
}
