//! `gilgal volumes`: the volumes of the apps on this server, out of them and back into them. Beside a server or without one.

use super::local::{self, Answer};
use super::printer::with_causes;
use super::volume_archive::{check, write};
use crate::config::{Home, Settings, Variables};
use crate::engine::{DockerEngine, DockerOptions, Engine, EngineError};
use crate::model::environment::Environment;
use crate::model::id::EnvironmentId;
use crate::model::instance::InstanceState;
use crate::model::name::{EnvironmentName, Slug, VolumeName};
use crate::model::project::Project;
use crate::model::volume::Volume;
use crate::store::{Store, StoreError};
use bytes::Bytes;
use clap::Subcommand;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::sync::mpsc;

/// Bytes that are read at a time, and how many such pieces may wait for the engine.
const PIECE: usize = 64 * 1024;
const AHEAD: usize = 16;

#[derive(Debug, Subcommand)]
pub(super) enum VolumesCommand {
    /// List every volume
    List,
    /// Write what is in a volume into a tar archive; the app may run, and is not stopped for it
    Backup {
        /// The project, or `project:environment`
        environment: String,
        /// The name of the volume
        volume: VolumeName,
        /// The file to make, mode 0600; `-` for standard output
        file: PathBuf,
    },
    /// Replace what is in a volume by what `gilgal volumes backup` has made; the app must be stopped
    Restore {
        /// The project, or `project:environment`
        environment: String,
        /// The name of the volume
        volume: VolumeName,
        /// The file to read
        file: PathBuf,
    },
}

pub(super) fn volumes(variables: &Variables, command: &VolumesCommand, json: bool) -> ExitCode {
    local::run(variables, json, async |settings| {
        let places = Places::of(settings).await?;
        match command {
            VolumesCommand::List => places.list().await.map(Some),
            VolumesCommand::Backup { environment, volume, file } => {
                places.backup(environment, volume, file).await
            }
            VolumesCommand::Restore { environment, volume, file } => {
                places.restore(environment, volume, file).await.map(Some)
            }
        }
    })
}

/// The database, and the engine.
struct Places {
    store: Store,
    engine: DockerEngine,
}

fn said(error: impl std::error::Error) -> String {
    with_causes(&error)
}

impl Places {
    async fn of(settings: &Settings) -> Result<Self, String> {
        let Some(server_id) = Home::server_id_in(&settings.home) else {
            let home = settings.home.display();
            return Err(format!("{home} is no home of a gilgal server. Set GILGAL_HOME."));
        };
        let host = Some(settings.docker_host.clone());
        Ok(Self {
            store: Store::connect(settings.database_url.expose()).await.map_err(said)?,
            engine: DockerEngine::connect(DockerOptions { server_id, host }),
        })
    }

    async fn list(&self) -> Result<Answer, String> {
        let mut found = Vec::new();
        for volume in self.engine.volumes().await.map_err(said)? {
            let place = match self.store.environment(volume.environment_id).await {
                Ok(environment) => {
                    let project = self.store.project(environment.project_id).await.map_err(said)?;
                    Some((project.slug, environment.name))
                }
                Err(StoreError::NotFound) => None,
                Err(error) => return Err(said(error)),
            };
            found.push((place, volume.name));
        }
        found.sort();
        let mut lines: Vec<String> = found
            .iter()
            .map(|(place, name)| match place {
                Some((slug, environment)) => format!("{}  {name}", environment.shown_of(slug)),
                None => format!("(deleted)  {name}"),
            })
            .collect();
        if lines.is_empty() {
            lines.push("There are no volumes.".to_owned());
        }
        let entries = found.iter().map(|(place, name)| {
            let (project, environment) = place.as_ref().map(|(slug, name)| (slug, name)).unzip();
            json!({ "project": project, "environment": environment, "name": name })
        });
        Ok(Answer { lines, json: entries.collect() })
    }

    async fn backup(&self, of: &str, name: &VolumeName, file: &Path) -> Result<Option<Answer>, String> {
        let (project, environment) = self.find(of).await?;
        let volumes = self.engine.volumes().await.map_err(said)?;
        let is_it = |volume: &&Volume| volume.environment_id == environment.id && volume.name == *name;
        let volume = volumes.iter().find(is_it);
        let place = environment.name.shown_of(&project.slug);
        let volume = volume.ok_or_else(|| format!("{place} has no volume {name}."))?;
        self.with_image(&project, async |image| {
            let archive = self.engine.read_volume(volume, image).await.map_err(said)?;
            let written = write(archive, file).await?;
            Ok(written.map(|bytes| {
                let kib = bytes.div_ceil(1024);
                let text = format!("The volume {name} of {place} is in {} ({kib} KiB).", file.display());
                Answer::line(text, of_volume(&project, &environment, name, file, bytes))
            }))
        })
        .await
    }

    async fn restore(&self, of: &str, name: &VolumeName, file: &Path) -> Result<Answer, String> {
        let (project, environment) = self.find(of).await?;
        let place = environment.name.shown_of(&project.slug);
        let wrong = |error: io::Error| format!("{} cannot be read: {error}.", file.display());
        // To its end before anything is removed.
        let bytes = check(file).map_err(wrong)?;
        let instances = self.engine.list().await.map_err(said)?;
        let runs = instances.iter().any(|instance| {
            instance.key.environment_id == environment.id && instance.state == InstanceState::Running
        });
        if runs {
            return Err(format!("{place} runs. Stop it first: `ssh … stop {place}`."));
        }
        if environment.asleep_at.is_some() && environment.stopped_at.is_none() {
            return Err(format!(
                "{place} is asleep, and a request wakes it. Stop it first: `ssh … stop {place}`."
            ));
        }
        if !self.store.unfinished_of(environment.id).await.map_err(said)?.is_empty() {
            return Err(format!("{place} is being deployed. Wait until it has ended."));
        }
        self.with_image(&project, async |image| {
            self.replace((&project, &environment, name), image, file).await?;
            let text = format!("The volume {name} of {place} has what is in {}.", file.display());
            Ok(Answer::line(text, of_volume(&project, &environment, name, file, bytes)))
        })
        .await
    }

    /// Makes a volume anew with what is in an archive.
    async fn replace(
        &self,
        (project, environment, name): (&Project, &Environment, &VolumeName),
        image: &str,
        file: &Path,
    ) -> Result<(), String> {
        let place = environment.name.shown_of(&project.slug);
        let volume = |environment_id: EnvironmentId| Volume {
            project_id: project.id,
            environment_id,
            name: name.clone(),
            created_at: None,
        };
        // A volume of nothing proves that the archive can be read to its end and fits, before anything is removed.
        let trial = EnvironmentId::generate();
        let tried = self.fill(&volume(trial), image, file).await;
        self.engine.remove_volume(trial, name).await.map_err(said)?;
        tried.map_err(|error| format!("{error} Nothing was changed."))?;
        match self.engine.remove_volume(environment.id, name).await {
            Ok(()) => {}
            Err(EngineError::InUse { .. }) => {
                return Err(format!("{place} still has the volume. Stop it first: `ssh … stop {place}`."));
            }
            Err(error) => return Err(said(error)),
        }
        self.fill(&volume(environment.id), image, file).await
    }

    /// Puts what is in an archive into a volume, which is made for it.
    async fn fill(&self, volume: &Volume, image: &str, file: &Path) -> Result<(), String> {
        let wrong = |error: io::Error| format!("{} cannot be read: {error}.", file.display());
        let (sender, receiver) = mpsc::channel(AHEAD);
        let mut from = std::fs::File::open(file).map_err(wrong)?;
        let reading = tokio::task::spawn_blocking(move || {
            loop {
                let mut piece = vec![0; PIECE];
                match from.read(&mut piece)? {
                    0 => return Ok::<_, io::Error>(()),
                    count => piece.truncate(count),
                }
                if sender.blocking_send(Bytes::from(piece)).is_err() {
                    return Ok(());
                }
            }
        });
        let archive = tokio_stream::wrappers::ReceiverStream::new(receiver).boxed();
        self.engine.fill_volume(volume, image, archive).await.map_err(said)?;
        reading.await.map_err(said)?.map_err(wrong)
    }

    async fn find(&self, of: &str) -> Result<(Project, Environment), String> {
        let (slug, name) = of.split_once(':').unwrap_or((of, "production"));
        let unknown = || format!("There is no environment {of}.");
        let slug: Slug = slug.parse().map_err(|_| unknown())?;
        let name: EnvironmentName = name.parse().map_err(|_| unknown())?;
        let project = self.store.project_by_slug(&slug).await.map_err(said)?.ok_or_else(unknown)?;
        let environments = self.store.environments_of(project.id).await.map_err(said)?;
        let environment = environments.into_iter().find(|environment| environment.name == name);
        Ok((project, environment.ok_or_else(unknown)?))
    }

    /// Does something with an image that is made for it: a volume is read and written through a container that never runs.
    async fn with_image<T>(
        &self,
        project: &Project,
        work: impl AsyncFnOnce(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        let image = self.engine.make_empty_image(project.id).await.map_err(said)?;
        let done = work(&image).await;
        // One that is left goes with the next sweep of the images.
        let removed = self.engine.remove_image(&image).await;
        done.and_then(|done| removed.map(|()| done).map_err(said))
    }
}

/// What was written or put back, for programs.
fn of_volume(
    project: &Project,
    environment: &Environment,
    name: &VolumeName,
    file: &Path,
    bytes: u64,
) -> Value {
    json!({
        "project": project.slug,
        "environment": environment.name,
        "name": name,
        "file": file,
        "bytes": bytes,
    })
}
