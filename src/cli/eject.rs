//! `gilgal eject`: writes the Dockerfile that would be used into the project, to be owned there.

use super::detected::{self, Detected};
use super::printer::with_causes;
use crate::buildpack::{Ejected, eject as ejected};
use crate::model::source::SourceTree;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn eject(folder: &Path, force: bool) -> ExitCode {
    detected::print(write(folder, force).map(|lines| lines.join("\n")))
}

/// Writes the files; answers with what is said about them.
fn write(folder: &Path, force: bool) -> Result<Vec<String>, Vec<String>> {
    let Detected { catalog, source, plan } = detected::detect(folder, detected::catalog(None)?)?;
    let in_root =
        |path: &str| if plan.root.is_empty() { path.to_owned() } else { format!("{}/{path}", plan.root) };
    let own_ignore = source.read(&in_root(".dockerignore"));
    let Ejected { files, procfile_lines } =
        ejected(&catalog, &plan, own_ignore.as_deref()).map_err(|error| vec![with_causes(&error)])?;
    let taken = files.keys().filter(|path| path.as_str() != ".dockerignore").map(|path| in_root(path));
    let taken: Vec<String> = taken.filter(|path| folder.join(path).symlink_metadata().is_ok()).collect();
    if !taken.is_empty() && !force {
        return Err(vec![format!(
            "{} is there already. Remove it, or overwrite it with --force.",
            taken.join(", ")
        )]);
    }
    let mut lines = Vec::new();
    for (path, text) in &files {
        let path = in_root(path);
        let whole = folder.join(&path);
        let written =
            whole.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&whole, text));
        written.map_err(|error| vec![format!("{path} cannot be written: {error}.")])?;
        lines.push(format!("Wrote {path}"));
    }
    if !procfile_lines.is_empty() {
        lines.push("A Dockerfile cannot say these; add them to a Procfile:".to_owned());
        lines.extend(procfile_lines.iter().map(|line| format!("    {line}")));
    }
    lines.push("Commit them: from now on a push builds with this Dockerfile.".to_owned());
    Ok(lines)
}
