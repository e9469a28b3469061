//! The files of a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// Files to count, in the order of their names.
pub(crate) struct Found {
    pub(crate) files: Vec<File>,
    /// How many more there are.
    pub(crate) left_out: usize,
}

pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// Its path within the folder.
    pub(crate) name: String,
}

/// The files of a folder and of the folders in it, so many at the most. Leaves out what is hidden, what is no regular
/// file, and what has a name that is no text.
pub(crate) fn find(folder: &Path, at_most: usize) -> Result<Found> {
    let unreadable = |source| Error::Read {
        path: folder.to_owned(),
        source,
    };
    let folder = folder.canonicalize().map_err(unreadable)?;
    let mut paths = Vec::new();
    walk(&folder, &mut paths).map_err(unreadable)?;
    paths.sort_unstable();
    let left_out = paths.len().saturating_sub(at_most);
    paths.truncate(at_most);
    if paths.is_empty() {
        return Err(Error::Usage(format!(
            "there is no file to count in {}; give a folder with files",
            folder.display()
        )));
    }
    let file = |path: PathBuf| {
        let name = path.strip_prefix(&folder).unwrap_or(&path);
        let name = name.display().to_string();
        File { path, name }
    };
    let files = paths.into_iter().map(file).collect();
    Ok(Found { files, left_out })
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        let kind = entry.file_type()?;
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), paths)?;
        } else if kind.is_file() && entry.path().to_str().is_some() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::find;

    #[test]
    fn files_are_found_in_folders_and_in_order_without_the_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("b.txt", "b"), (".hidden", ""), ("a/z.txt", "")] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let names = |at_most| {
            let found = find(folder.path(), at_most).unwrap();
            let names: Vec<_> = found.files.into_iter().map(|it| it.name).collect();
            (names.join(" "), found.left_out)
        };
        assert_eq!(names(9), ("a/z.txt b.txt".to_owned(), 0));
        assert_eq!(names(1), ("a/z.txt".to_owned(), 1));
        assert!(find(&folder.path().join("c"), 9).is_err());
        fs::create_dir(folder.path().join("empty")).unwrap();
        assert!(find(&folder.path().join("empty"), 9).is_err());
    }
}
