//! The operator's own buildpacks: folders that add to those of the binary, or take their place.

use crate::buildpack::catalog::{Catalog, CatalogError, embedded_files};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Larger files are not of a buildpack.
const LARGEST_FILE: u64 = 1 << 20;

/// A folder that is not used, and why.
#[derive(Debug)]
pub struct BrokenPack {
    /// Name of the folder.
    pub name: String,
    pub error: OwnPackError,
}

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum OwnPackError {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("it has no buildpack.toml")]
    NoManifest,
    #[error(transparent)]
    Wrong(#[from] CatalogError),
}

impl Catalog {
    /// The buildpacks that come with the binary, with those of a folder: each folder in it is one, and takes the place of one
    /// that has its name. One that is wrong is left out, and named; the others are used.
    ///
    /// # Panics
    /// As [`Catalog::embedded`].
    #[must_use]
    pub fn with_own(folder: &Path) -> (Self, Vec<BrokenPack>) {
        let mut packs: BTreeMap<String, Files> = BTreeMap::new();
        for (path, bytes) in embedded_files() {
            let name = path.split('/').next().unwrap_or_default().to_owned();
            packs.entry(name).or_default().push((path, bytes));
        }
        let mut catalog = None;
        let mut broken = Vec::new();
        for name in folders(folder) {
            let tried = read(folder, &name).and_then(|files| {
                let mut tried = packs.clone();
                tried.insert(name.clone(), files);
                let whole = Self::from_files(tried.values().flatten().cloned())?;
                packs = tried;
                Ok(whole)
            });
            match tried {
                Ok(whole) => catalog = Some(whole),
                Err(error) => broken.push(BrokenPack { name, error }),
            }
        }
        (catalog.unwrap_or_else(Self::embedded), broken)
    }
}

/// The files of a pack, each by its path below the folder of all packs.
type Files = Vec<(String, Vec<u8>)>;

/// Names of the folders in a folder, sorted; none where there is no such folder.
fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// The files of one pack: those of its folder, and of `frameworks/` in it.
fn read(folder: &Path, name: &str) -> Result<Files, OwnPackError> {
    let mut files = Vec::new();
    add_files(folder, name, &mut files)?;
    if files.iter().all(|(path, _)| !path.ends_with("/buildpack.toml")) {
        return Err(OwnPackError::NoManifest);
    }
    let frameworks = format!("{name}/frameworks");
    if folder.join(&frameworks).is_dir() {
        add_files(folder, &frameworks, &mut files)?;
    }
    Ok(files)
}

fn add_files(folder: &Path, inside: &str, files: &mut Files) -> Result<(), OwnPackError> {
    let unreadable = |path: &str, source| OwnPackError::Unreadable { path: path.to_owned(), source };
    for entry in fs::read_dir(folder.join(inside)).map_err(|source| unreadable(inside, source))? {
        let entry = entry.map_err(|source| unreadable(inside, source))?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        let path = format!("{inside}/{file}");
        let metadata = fs::metadata(entry.path()).map_err(|source| unreadable(&path, source))?;
        if metadata.is_file() && metadata.len() <= LARGEST_FILE {
            let bytes = fs::read(entry.path()).map_err(|source| unreadable(&path, source))?;
            files.push((path, bytes));
        }
    }
    Ok(())
}
