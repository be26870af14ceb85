//! Which program of a Cargo package or workspace is the app, as `cargo run` would choose it (The Cargo Book, "Cargo Targets"
//! and "Workspaces").

use crate::buildpack::documents::{Documents, lookup};
use crate::buildpack::found::Found;
use crate::buildpack::glob::glob_matches;
use crate::buildpack::refusal::Refusal;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// More packages than this are not looked at.
const MOST_PACKAGES: usize = 100;

/// What is asked about the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProgramPart {
    /// Its name: that of the executable.
    Binary,
    /// The package that it belongs to.
    Package,
}

/// An executable that Cargo makes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    package: String,
    binary: String,
    from: String,
}

/// The program to run; `None` where the project is a library only.
///
/// # Errors
/// When a manifest is broken, or there are several programs and none is the default.
pub(crate) fn find_program(documents: &Documents<'_>, part: ProgramPart) -> Result<Option<Found>, Refusal> {
    let Some(root) = documents.document("Cargo.toml")? else { return Ok(None) };
    let mut programs = programs_of(documents, "", &root);
    if programs.is_empty() {
        for folder in members(documents, &root).into_iter().take(MOST_PACKAGES) {
            if let Some(manifest) = documents.document(&format!("{folder}/Cargo.toml"))? {
                programs.extend(programs_of(documents, &folder, &manifest));
            }
        }
    }
    if programs.len() > 1 {
        return Err(Refusal::Several {
            what: "programs".to_owned(),
            choices: programs.into_iter().map(|program| program.binary).collect(),
            way_out:
                "Name one with `default-run` in its Cargo.toml, or start one in a Procfile: `web: NAME`."
                    .to_owned(),
        });
    }
    Ok(programs.pop().map(|program| {
        let value = match part {
            ProgramPart::Binary => program.binary,
            ProgramPart::Package => program.package,
        };
        Found { value: value.into(), from: program.from }
    }))
}

/// Folders of the packages of a workspace that are built by default.
fn members(documents: &Documents<'_>, root: &Value) -> Vec<String> {
    let globs = |key: &str| -> Vec<String> {
        let list = lookup(root, key).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(|glob| glob.trim_start_matches("./").to_owned()).collect()
    };
    let default = globs("workspace.default-members");
    let wanted = if default.is_empty() { globs("workspace.members") } else { default };
    let excluded = globs("workspace.exclude");
    let folders = documents.paths().filter_map(|path| path.strip_suffix("/Cargo.toml"));
    let is_one_of = |folder: &str, globs: &[String]| globs.iter().any(|glob| glob_matches(glob, folder));
    let is_member = |folder: &&str| is_one_of(folder, &wanted) && !is_one_of(folder, &excluded);
    folders.filter(is_member).map(str::to_owned).collect()
}

/// The programs of one package; of several only the one that it names as its default, if it does.
fn programs_of(documents: &Documents<'_>, folder: &str, manifest: &Value) -> Vec<Program> {
    let text = |key: &str| lookup(manifest, key).and_then(Value::as_str).map(str::to_owned);
    let Some(package) = text("package.name") else { return Vec::new() };
    let file = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let mut binaries: BTreeSet<String> = BTreeSet::new();
    let declared = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    let declared: Vec<(String, String)> = declared
        .filter_map(|binary| {
            let name = binary.get("name")?.as_str()?.to_owned();
            let path = binary.get("path").and_then(Value::as_str).unwrap_or_default();
            Some((name, path.trim_start_matches("./").to_owned()))
        })
        .collect();
    binaries.extend(declared.iter().map(|(name, _)| name.clone()));
    let finds_more = lookup(manifest, "package.autobins").and_then(Value::as_bool).unwrap_or(true);
    if finds_more {
        // A file that a [[bin]] names is that program, and not another one of the file's name.
        let is_new = |path: &str| !declared.iter().any(|(_, declared)| declared == path);
        if is_new("src/main.rs") && documents.has_file(&file("src/main.rs")) {
            binaries.insert(package.clone());
        }
        let prefix = file("src/bin/");
        for path in documents.paths().filter_map(|path| path.strip_prefix(prefix.as_str())) {
            let name = path.strip_suffix("/main.rs").or_else(|| path.strip_suffix(".rs"));
            if let Some(name) = name.filter(|name| !name.contains('/') && is_new(&format!("src/bin/{path}")))
            {
                binaries.insert(name.to_owned());
            }
        }
    }
    if let Some(default) = text("package.default-run") {
        binaries.retain(|binary| *binary == default);
    }
    let from = file("Cargo.toml");
    let programs = binaries.into_iter();
    programs.map(|binary| Program { package: package.clone(), binary, from: from.clone() }).collect()
}
