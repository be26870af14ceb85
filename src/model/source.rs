//! The contract between what holds a project's files (a git tree, a folder) and what reads them (detection).

/// A tree of files that can be looked at without being checked out.
///
/// Paths are relative, separated by `/`, without a leading one: `src/index.js`.
pub trait SourceTree {
    /// Every file of the tree, in the order of their paths. Symbolic links and submodules are not files.
    fn paths(&self) -> &[String];

    /// The text of a file; `None` where there is no such file, it is a symbolic link, larger than 1 MiB, or not UTF-8, and
    /// where more was read already than detection may read of a tree.
    fn read(&self, path: &str) -> Option<String>;

    /// Whether the path is a file of the tree.
    fn has(&self, path: &str) -> bool {
        self.paths().binary_search_by(|known| known.as_str().cmp(path)).is_ok()
    }

    /// Paths of the symbolic links of the tree, sorted. They are not files; detection refuses to go on where the name of a
    /// file that decides the build (`Dockerfile`, `Procfile`) is one.
    fn symbolic_links(&self) -> &[String] {
        &[]
    }
}
