//! `gilgal eject`: writes the Dockerfile that would be used into the project, to be owned there.

use super::detected::{self, Detected};
use super::printer::with_causes;
use crate::buildpack::{EjectError, Ejected, eject as ejected};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn eject(folder: &Path, force: bool, json: bool) -> ExitCode {
    detected::print(write(folder, force).map(|written| if json { written.json() } else { written.text() }))
}

/// What was written, and what the Dockerfile cannot say or says already.
struct Written {
    paths: Vec<String>,
    procfile_lines: Vec<String>,
    taken_over: Vec<String>,
}

impl Written {
    fn text(&self) -> String {
        let mut lines: Vec<String> = self.paths.iter().map(|path| format!("Wrote {path}")).collect();
        if !self.procfile_lines.is_empty() {
            lines.push("A Dockerfile cannot say these; add them to a Procfile:".to_owned());
            lines.extend(self.procfile_lines.iter().map(|line| format!("    {line}")));
        }
        if !self.taken_over.is_empty() {
            lines.push(format!(
                "The Dockerfile holds what these keys of gilgal.toml say, and a push refuses it with them; remove them: {}",
                self.taken_over.join(", ")
            ));
        }
        lines.push("Commit them: from now on a push builds with this Dockerfile.".to_owned());
        lines.join("\n")
    }

    fn json(&self) -> String {
        let Self { paths, procfile_lines, taken_over } = self;
        format!("{:#}", json!({ "files": paths, "procfile_lines": procfile_lines, "taken_over": taken_over }))
    }
}

/// Writes the files.
fn write(folder: &Path, force: bool) -> Result<Written, Vec<String>> {
    let Detected { catalog, source, plan } = detected::detect(folder, detected::catalog(None)?)?;
    let Ejected { files, procfile_lines, taken_over } =
        ejected(&catalog, &source, &plan).map_err(|error| match error {
            EjectError::Render(error) => vec![with_causes(&error)],
            EjectError::Refused(refusal) => [vec![refusal.to_string()], refusal.details()].concat(),
            EjectError::Workspace { .. } => vec![error.to_string()],
        })?;
    let taken = files.keys().filter(|path| path.as_str() != ".dockerignore").map(|path| plan.in_root(path));
    let taken: Vec<String> = taken.filter(|path| folder.join(path).symlink_metadata().is_ok()).collect();
    if !taken.is_empty() && !force {
        return Err(vec![format!(
            "{} is there already. Remove it, or overwrite it with --force.",
            taken.join(", ")
        )]);
    }
    let mut paths = Vec::new();
    for (path, text) in &files {
        let path = plan.in_root(path);
        let whole = folder.join(&path);
        let written =
            whole.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&whole, text));
        written.map_err(|error| vec![format!("{path} cannot be written: {error}.")])?;
        paths.push(path);
    }
    Ok(Written { paths, procfile_lines, taken_over })
}
