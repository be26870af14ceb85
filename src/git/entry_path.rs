//! Where an entry of an archive would be: inside, and never in git's own folder.

use super::bounds::MAX_PATH_BYTES;
use super::tree::MAX_DEPTH;

/// The names that lead to an entry. `None` for what is left out: the archive's own folder, and `.git` with all that is
/// in it.
pub(super) fn inside(path: &[u8]) -> Result<Option<Vec<String>>, &'static str> {
    let path = std::str::from_utf8(path).map_err(|_| "has a name that is not UTF-8")?;
    if path.len() > MAX_PATH_BYTES {
        return Err("has a path that is too long");
    }
    if path.starts_with('/') {
        return Err("has an absolute path");
    }
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            return Err("leads out of the archive");
        }
        if part.contains('\0') {
            return Err("has a name with a NUL in it");
        }
        if is_git_folder(part) {
            return Ok(None);
        }
        parts.push(part.to_owned());
    }
    if parts.len() > MAX_DEPTH {
        return Err("lies too deep");
    }
    Ok((!parts.is_empty()).then_some(parts))
}

/// Whether a name stands for git's own folder, on any file system (git's `is_ntfs_dotgit`, `is_hfs_dotgit` say more; what
/// they say is about work trees, and there is none here).
fn is_git_folder(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // Windows takes these for the same name, and so libgit2 refuses them everywhere.
    let name = name.split([':', '\\']).next().unwrap_or_default().trim_end_matches(['.', ' ']);
    name == ".git" || name == "git~1"
}

/// A path in a sentence: short, and with nothing that moves a cursor.
pub(super) fn shown(path: &[u8]) -> String {
    const LONGEST: usize = 120;
    let text = String::from_utf8_lossy(path);
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}
