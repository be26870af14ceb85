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

    /// The text of a file up to 1 MiB of it; `None` as in [`SourceTree::read`], but where it is longer. Lock files of large
    /// projects are, and say at their beginning what they are.
    fn beginning(&self, path: &str) -> Option<String> {
        self.read(path)
    }

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

/// The text of the first bytes of a file, without a character that is cut off at their end; `None` where they are no UTF-8.
#[must_use]
pub fn text_within(bytes: &[u8]) -> Option<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(error) if error.error_len().is_none() => bytes
            .get(..error.valid_up_to())
            .and_then(|whole| std::str::from_utf8(whole).ok())
            .map(str::to_owned),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_character_at_the_end_may_be_cut_off() {
        let umlaut = "aä".as_bytes();
        assert_eq!(text_within(umlaut).as_deref(), Some("aä"));
        assert_eq!(text_within(&umlaut[..2]).as_deref(), Some("a"));
        assert_eq!(text_within(&[b'a', 0xff, b'a']), None);
        assert_eq!(text_within(&[]).as_deref(), Some(""));
    }
}
