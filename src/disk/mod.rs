//! What the server keeps on its disks, and for whom.

use crate::build::Builder;
use crate::config::{DiskSpace, disk_space, used_bytes};
use crate::engine::{Engine, EngineImage};
use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::name::{EnvironmentName, Slug, VolumeName};
use crate::model::project::Project;
use crate::model::volume::Volume;
use crate::store::{PageRequest, Presence, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where to look.
pub struct Places {
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    pub builder: Arc<dyn Builder>,
    pub home: PathBuf,
    /// The file of a SQLite database.
    pub database: Option<PathBuf>,
}

/// Who uses what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The disk of the home, and of the engine where it can be seen from here; once where it is one.
    pub disks: Vec<(PathBuf, DiskSpace)>,
    /// The largest first.
    pub projects: Vec<ProjectUse>,
    /// The same.
    pub volumes: Vec<VolumeUse>,
    /// Of repositories whose project is gone: removed a week after that.
    pub retired_bytes: u64,
    /// `None`: it is PostgreSQL's.
    pub database_bytes: Option<u64>,
    /// Why the engine could not be asked; then no image is known, and no cache.
    pub engine: Result<EngineUse, String>,
}

/// What a project takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectUse {
    pub slug: Slug,
    pub repository_bytes: u64,
    pub images: usize,
    /// Each image with its base, which images share: what is saved by removing one is less.
    pub image_bytes: u64,
    pub volume_bytes: u64,
    pub log_bytes: u64,
}

/// What is in a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeUse {
    pub slug: Slug,
    pub environment: EnvironmentName,
    pub name: VolumeName,
    /// `None`: the engine does not know.
    pub bytes: Option<u64>,
}

/// What the engine holds that is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineUse {
    pub build_cache_bytes: u64,
}

impl ProjectUse {
    /// Everything together.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.repository_bytes + self.image_bytes + self.volume_bytes + self.log_bytes
    }
}

/// Looks at everything. Takes seconds where there is much.
///
/// # Errors
/// When the database does not answer.
pub async fn report(places: &Places) -> Result<Report, StoreError> {
    let logs = places.store.log_bytes().await?;
    let engine = async {
        let images = places.engine.images().await.map_err(|error| error.to_string())?;
        let info = places.engine.info().await.map_err(|error| error.to_string())?;
        let volumes = places.engine.volume_sizes().await.map_err(|error| error.to_string())?;
        let build_cache_bytes = places.builder.cache_bytes().await.map_err(|error| error.to_string())?;
        Ok::<_, String>((images, volumes, info.data_directory, EngineUse { build_cache_bytes }))
    };
    let (images, found_volumes, engine_folder, engine) = match engine.await {
        Ok((images, volumes, folder, engine)) => (images, volumes, Some(PathBuf::from(folder)), Ok(engine)),
        Err(reason) => (Vec::new(), Vec::new(), None, Err(reason)),
    };
    let images = by_project(images);
    let repositories = places.home.join("repositories");
    let (mut projects, mut volumes) = (Vec::new(), Vec::new());
    let mut page = PageRequest::first();
    loop {
        let found = places.store.projects_of(None, Presence::Either, page).await?;
        for project in found.data {
            let its_volumes = volumes_of(&places.store, &project, &found_volumes).await?;
            let (count, image_bytes) = images.get(&project.id).copied().unwrap_or_default();
            projects.push(ProjectUse {
                slug: project.slug,
                repository_bytes: used_bytes(&repositories.join(format!("{}.git", project.id))),
                images: count,
                image_bytes,
                volume_bytes: its_volumes.iter().filter_map(|volume| volume.bytes).sum(),
                log_bytes: logs.get(&project.id).copied().unwrap_or_default(),
            });
            volumes.extend(its_volumes);
        }
        if found.next.is_none() {
            break;
        }
        page = PageRequest::new(PageRequest::MAX_LIMIT, found.next);
    }
    projects.sort_by_key(|project| std::cmp::Reverse(project.bytes()));
    volumes.sort_by_key(|volume| std::cmp::Reverse(volume.bytes));
    Ok(Report {
        disks: disks(&places.home, engine_folder),
        projects,
        volumes,
        retired_bytes: retired_bytes(&repositories),
        database_bytes: places.database.as_deref().map(sqlite_bytes),
        engine,
    })
}

/// What is in the volumes of a project.
async fn volumes_of(
    store: &Store,
    project: &Project,
    found: &[(Volume, Option<u64>)],
) -> Result<Vec<VolumeUse>, StoreError> {
    let mut of_it = found.iter().filter(|(volume, _)| volume.project_id == project.id).peekable();
    if of_it.peek().is_none() {
        return Ok(Vec::new());
    }
    let environments = store.environments_of(project.id).await?;
    let names: BTreeMap<EnvironmentId, EnvironmentName> =
        environments.into_iter().map(|environment| (environment.id, environment.name)).collect();
    Ok(of_it
        // That of an environment that is gone is about to go, too.
        .filter_map(|(volume, bytes)| {
            let environment = names.get(&volume.environment_id)?.clone();
            Some(VolumeUse {
                slug: project.slug.clone(),
                environment,
                name: volume.name.clone(),
                bytes: *bytes,
            })
        })
        .collect())
}

fn by_project(images: Vec<EngineImage>) -> BTreeMap<ProjectId, (usize, u64)> {
    let mut sums = BTreeMap::<_, (usize, u64)>::new();
    let mut seen = BTreeSet::new();
    for image in images.into_iter().filter(|image| seen.insert(image.id.clone())) {
        let (count, bytes) = sums.entry(image.project_id).or_default();
        *count += 1;
        *bytes += image.bytes;
    }
    sums
}

fn disks(home: &Path, engine: Option<PathBuf>) -> Vec<(PathBuf, DiskSpace)> {
    use std::os::unix::fs::MetadataExt;
    let mut seen = BTreeSet::new();
    [Some(home.to_owned()), engine]
        .into_iter()
        .flatten()
        .filter(|folder| folder.metadata().is_ok_and(|metadata| seen.insert(metadata.dev())))
        .filter_map(|folder| Some((folder.clone(), disk_space(&folder).ok()?)))
        .collect()
}

fn retired_bytes(repositories: &Path) -> u64 {
    let entries = std::fs::read_dir(repositories).into_iter().flatten().flatten();
    let retired = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "deleted"));
    retired.map(|entry| used_bytes(&entry.path())).sum()
}

/// The file, and what SQLite keeps beside it.
fn sqlite_bytes(file: &Path) -> u64 {
    ["", "-wal", "-shm"].iter().map(|end| used_bytes(Path::new(&format!("{}{end}", file.display())))).sum()
}
