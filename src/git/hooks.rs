//! The hook scripts, kept in the binary and written to the server's home.

use rust_embed::RustEmbed;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[derive(RustEmbed)]
#[folder = "hooks/"]
struct Scripts;

/// Writes the hook scripts into a folder, each whole or not at all.
///
/// # Errors
/// When the folder cannot be written.
pub fn install(folder: &Path) -> io::Result<()> {
    for name in Scripts::iter() {
        let Some(script) = Scripts::get(&name) else { continue };
        let path = folder.join(name.as_ref());
        let unfinished = path.with_extension("new");
        fs::write(&unfinished, &script.data)?;
        fs::set_permissions(&unfinished, Permissions::from_mode(0o700))?;
        fs::rename(&unfinished, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_is_written_and_executable() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path()).unwrap();
        install(folder.path()).unwrap();
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["fetch-ssh", "post-receive", "pre-receive", "proc-receive"]);
        let mode = fs::metadata(folder.path().join("pre-receive")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
