//! The input: the files of a folder, and the hash of each.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::Result;

pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// The files of a folder by name, without those of its subfolders; never none.
pub(crate) fn of(folder: &Path) -> Result<Vec<File>> {
    let cannot_read = |error| format!("cannot read the folder {}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let metadata = entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?)));
        let (name, metadata) = metadata.map_err(cannot_read)?;
        if metadata.is_file() {
            files.push(File {
                name: name.to_string_lossy().into_owned(),
                bytes: metadata.len(),
            });
        }
    }
    if files.is_empty() {
        return Err(format!(
            "no files in {}; name a folder that has some",
            folder.display()
        )
        .into());
    }
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// A file's SHA-256 in hexadecimal digits, read piece by piece.
pub(crate) fn sha256(file: &Path) -> io::Result<String> {
    let mut reader = BufReader::with_capacity(1 << 16, fs::File::open(file)?);
    let mut hasher = Sha256::new();
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            let digits = hasher.finalize().map(|byte| format!("{byte:02x}"));
            return Ok(digits.as_slice().concat());
        }
        hasher.update(piece);
        let length = piece.len();
        reader.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    fn error_of(folder: &Path) -> String {
        super::of(folder).err().unwrap().to_string()
    }

    #[test]
    fn files_come_by_name_and_without_subfolders() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b"), "12345").unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        fs::create_dir(folder.path().join("c")).unwrap();
        let files = super::of(folder.path()).unwrap();
        let files: Vec<_> = files
            .iter()
            .map(|file| (file.name.as_str(), file.bytes))
            .collect();
        assert_eq!(files, [("a", 0), ("b", 5)]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = error_of("no/such/folder".as_ref());
        assert!(
            error.starts_with("cannot read the folder no/such/folder: "),
            "{error}"
        );
    }

    #[test]
    fn a_folder_without_files_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = error_of(folder.path());
        assert!(error.starts_with("no files in /"), "{error}");
    }

    #[test]
    fn a_file_longer_than_a_piece_is_hashed_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, "a".repeat(1_000_000)).unwrap();
        assert_eq!(
            super::sha256(&file).unwrap(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }
}
