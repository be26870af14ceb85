//! The files of a folder, packed to be deployed.

use super::failure::Failure;
use crate::git::WorkTree;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a folder as a compressed archive: those that git has or would take, where it is in a work tree of git.
///
/// # Errors
/// When there are none, or one cannot be read.
pub(super) fn packed(folder: &Path) -> Result<Vec<u8>, Failure> {
    if !folder.is_dir() {
        return Err(unreadable(folder).with_cause("It is no folder."));
    }
    let files = match WorkTree::discover(folder) {
        Some(tree) => tree.files(folder).map_err(|error| {
            Failure::new("git cannot say which files belong to the project.").with_cause(error)
        })?,
        None => below(folder).map_err(|error| unreadable(folder).caused_by(&error))?,
    };
    if files.is_empty() {
        return Err(Failure::usage("There are no files to deploy in this folder.")
            .with_hint("Go to the folder of the project; `gilgal deploy BRANCH` deploys what was pushed."));
    }
    pack(folder, &files)
        .map_err(|error| Failure::usage("The files of this folder cannot be packed.").caused_by(&error))
}

fn unreadable(folder: &Path) -> Failure {
    Failure::usage(format!("The folder {} cannot be read.", folder.display()))
}

fn pack(folder: &Path, files: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    archive.follow_symlinks(false);
    for file in files {
        match archive.append_path_with_name(folder.join(file), file) {
            // Removed since it was added, which git still knows.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            appended => appended?,
        }
    }
    archive.into_inner()?.finish()
}

/// Every file below a folder that is no part of a repository's own.
fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if entry.file_name() != ".git" {
                    folders.push(path);
                }
            } else if kind.is_file() || kind.is_symlink() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::os::unix::fs::PermissionsExt;

    fn names(archive: &[u8]) -> Vec<(String, u32)> {
        let mut archive = tar::Archive::new(GzDecoder::new(archive));
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap() & 0o111)
        });
        entries.collect()
    }

    #[test]
    fn what_git_would_not_take_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("app/src")).unwrap();
        fs::create_dir_all(path("app/node_modules")).unwrap();
        for (name, text) in [
            (".gitignore", "node_modules\n*.log\n"),
            ("outside.txt", "x"),
            ("app/start", "#!/bin/sh\n"),
            ("app/src/new.js", "1"),
            ("app/node_modules/x.js", "2"),
            ("app/debug.log", "3"),
        ] {
            fs::write(path(name), text).unwrap();
        }
        fs::set_permissions(path("app/start"), fs::Permissions::from_mode(0o755)).unwrap();
        let all = names(&packed(&path("app")).unwrap());
        assert_eq!(all.len(), 4, "without git everything is taken: {all:?}");
        git2::Repository::init(folder.path()).unwrap();
        let some = names(&packed(&path("app")).unwrap());
        assert_eq!(some, [("src/new.js".to_owned(), 0), ("start".to_owned(), 0o111)]);
        fs::create_dir(path("empty")).unwrap();
        assert!(packed(&path("empty")).is_err());
    }
}
