//! A folder on disk as a source tree, for `gilgal plan` on a project that is not pushed yet.

use crate::model::source::{SourceTree, text_within};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Folders that are never part of a project's source, however they got there.
const NEVER_SOURCE: [&str; 10] =
    [".git", ".hg", ".svn", ".venv", "__pycache__", "node_modules", "target", "venv", ".next", ".tox"];

/// More files than this are somebody's home folder, not a project.
const MOST_FILES: usize = 100_000;

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// The files below a folder, as they were when it was opened.
#[derive(Debug)]
pub struct DirectorySource {
    root: PathBuf,
    paths: Vec<String>,
    symbolic_links: Vec<String>,
}

impl DirectorySource {
    /// Lists a folder. Symbolic links are not followed; files whose names are not UTF-8 are left out, as no buildpack can
    /// name them.
    ///
    /// # Errors
    /// When a folder cannot be listed, or there are more than 100,000 files.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let mut source = Self { root: root.into(), paths: Vec::new(), symbolic_links: Vec::new() };
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            source.list(&folder, &mut folders)?;
        }
        source.paths.sort_unstable();
        source.symbolic_links.sort_unstable();
        Ok(source)
    }

    /// Adds what is directly in a folder, and its sub-folders to the list of those still to be visited.
    fn list(&mut self, folder: &str, folders: &mut Vec<String>) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join(folder))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let file_type = entry.file_type()?;
            if file_type.is_symlink() {
                self.symbolic_links.push(path);
            } else if file_type.is_file() {
                self.paths.push(path);
            } else if file_type.is_dir() && !NEVER_SOURCE.contains(&name.as_str()) {
                folders.push(path);
            }
            if self.paths.len() + self.symbolic_links.len() + folders.len() > MOST_FILES {
                let message = format!("more than {MOST_FILES} files: is this the folder of a project?");
                return Err(io::Error::other(message));
            }
        }
        Ok(())
    }

    /// Where a file is, and its length. Only what was listed: a path with dots cannot leave the folder, and a link cannot have
    /// taken a file's place unnoticed for longer than it takes to look again.
    fn file(&self, path: &str) -> Option<(PathBuf, u64)> {
        if !self.has(path) {
            return None;
        }
        let path = self.root.join(path);
        let metadata = fs::symlink_metadata(&path).ok()?;
        metadata.is_file().then_some((path, metadata.len()))
    }

    /// The folder that was opened.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl SourceTree for DirectorySource {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn read(&self, path: &str) -> Option<String> {
        let (path, length) = self.file(path)?;
        if length > LARGEST_FILE { None } else { fs::read_to_string(path).ok() }
    }

    fn beginning(&self, path: &str) -> Option<String> {
        let (path, _) = self.file(path)?;
        let mut bytes = Vec::new();
        fs::File::open(path).ok()?.take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
        text_within(&bytes)
    }

    fn symbolic_links(&self) -> &[String] {
        &self.symbolic_links
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn lists_files_and_neither_follows_links_nor_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        fs::create_dir_all(root.join("src")).unwrap();
        fs::create_dir_all(root.join("node_modules/x")).unwrap();
        fs::write(root.join("src/a.js"), "a").unwrap();
        fs::write(root.join("node_modules/x/index.js"), "x").unwrap();
        fs::write(root.join("large"), vec![b'x'; (1 << 20) + 1]).unwrap();
        fs::write(root.join("binary"), [0xff, 0xfe]).unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        symlink(folder.path().join("secret"), root.join("Procfile")).unwrap();
        symlink("/", root.join("everything")).unwrap();

        let source = DirectorySource::open(&root).unwrap();
        assert_eq!(source.paths(), ["binary", "large", "src/a.js"]);
        assert_eq!(source.symbolic_links(), ["Procfile", "everything"]);
        assert_eq!(source.read("src/a.js").as_deref(), Some("a"));
        for unreadable in ["Procfile", "../secret", "large", "binary", "src", "nothing"] {
            assert_eq!(source.read(unreadable), None, "{unreadable}");
            let begun = source.beginning(unreadable).map(|text| text.len());
            assert_eq!(begun, (unreadable == "large").then_some(1 << 20), "{unreadable}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(DirectorySource::open("/nonexistent/folder").is_err());
    }
}
