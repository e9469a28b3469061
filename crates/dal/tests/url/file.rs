//! Files that SQLite can or cannot be given.

use std::{
    env,
    fs::{self, File, OpenOptions, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use taskbox_dal::{DAL, Error};

use super::refusal;

/// Fails unless the file is refused with these words.
async fn assert_refused(path: &Path, why: &str) {
    let error = refusal(DAL::builder(format!("sqlite://{}", path.display()))).await;
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
    assert!(error.to_string().contains(why), "{error}");
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let notes = folder.join("notes.txt");
    fs::write(&notes, "not a database ".repeat(100)).unwrap();
    assert_refused(&folder.join("missing/tasks.db"), "missing: make it first").await;
    assert_refused(folder, "is a folder: name a file in it").await;
    assert_refused(&notes, "notes.txt").await;
    assert_refused(&notes, "file is not a database; name another file").await;
    assert_refused(&notes.join("tasks.db"), "there is no folder").await;
    assert_eq!(fs::read_to_string(&notes).unwrap().len(), 1500);
}

#[tokio::test]
async fn a_file_is_made_by_an_absolute_and_by_a_relative_path() {
    let folder = tempfile::tempdir().unwrap();
    let absolute = folder.path().join("absolute.db");
    DAL::connect(format!("sqlite://{}", absolute.display()))
        .await
        .unwrap();
    assert!(absolute.is_file());

    let relative = relative(&folder.path().join("relative.db"));
    assert!(!relative.starts_with('/'));
    DAL::connect(format!("sqlite://{relative}")).await.unwrap();
    assert!(folder.path().join("relative.db").is_file());
}

/// The way from the current folder, through the root.
fn relative(path: &Path) -> String {
    let up = env::current_dir().unwrap().components().count() - 1;
    let down = path.strip_prefix("/").unwrap();
    format!("{}{}", "../".repeat(up), down.display())
}

/// Where [`as_somebody_whom_permissions_bind`] finds a folder of its own.
const FOLDER: &str = "TASKBOX_TEST_URL_FOLDER";
/// The account that owns nothing.
const NOBODY: u32 = 65534;

/// They do not bind root, who runs this test again as somebody else.
#[tokio::test]
async fn what_may_only_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let probe = folder.path().join("probe");
    File::create(&probe).unwrap();
    forbid(&probe);
    if OpenOptions::new().write(true).open(&probe).is_err() {
        return read_only(folder.path()).await;
    }
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "file::as_somebody_whom_permissions_bind"])
        .env(FOLDER, folder.path())
        .uid(NOBODY)
        .gid(NOBODY)
        .status();
    assert!(status.unwrap().success());
}

/// Does nothing unless started by [`what_may_only_be_read_is_refused`].
#[tokio::test]
async fn as_somebody_whom_permissions_bind() {
    if let Some(folder) = env::var_os(FOLDER) {
        read_only(Path::new(&folder)).await;
    }
}

fn forbid(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o444)).unwrap();
}

async fn read_only(folder: &Path) {
    let why = "let this program read and write";
    // One that was in use, and is in WAL mode; and one that never was.
    let used = folder.join("used.db");
    let url = format!("sqlite://{}", used.display());
    DAL::connect(url).await.unwrap().migrate().await.unwrap();
    let new = folder.join("new.db");
    File::create(&new).unwrap();
    for file in [used, new] {
        forbid(&file);
        assert_refused(&file, why).await;
    }
    fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
    assert_refused(&folder.join("none.db"), why).await;
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
}
