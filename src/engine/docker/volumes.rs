//! Volumes: named after their environment, and with its labels. Nothing of the host is mounted anywhere.

use super::failure::{is_conflict, is_gone};
use super::{Shared, labels};
use crate::engine::{EngineError, InstanceSpec};
use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::instance::InstanceId;
use crate::model::name::VolumeName;
use crate::model::volume::Volume;
use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, DownloadFromContainerOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions, UploadToContainerOptionsBuilder,
};
use bollard::{Docker, body_stream};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// Where a volume is in the container that is made to read or write it.
const PLACE: &str = "/volume";

/// The name of a volume: that of the environment, and its own.
pub(super) fn name(environment: EnvironmentId, volume: &VolumeName) -> String {
    format!("gilgal-{}-{volume}", environment.as_uuid().simple())
}

/// The mounts of an instance.
pub(super) fn mounts(spec: &InstanceSpec) -> Option<Vec<Mount>> {
    let mounts: Vec<Mount> = spec
        .volumes
        .iter()
        .map(|(volume, mount)| Mount {
            target: Some(mount.path.to_string()),
            source: Some(name(spec.key.environment_id, volume)),
            typ: Some(MountType::VOLUME),
            read_only: Some(mount.read_only),
            ..Mount::default()
        })
        .collect();
    (!mounts.is_empty()).then_some(mounts)
}

impl Shared {
    /// Makes the volumes of an instance unless they are there.
    pub(super) async fn ensure_volumes(
        &self,
        docker: &Docker,
        spec: &InstanceSpec,
    ) -> Result<(), EngineError> {
        for volume in spec.volumes.keys() {
            self.create_volume(docker, spec.key.project_id, spec.key.environment_id, volume).await?;
        }
        Ok(())
    }

    /// Docker gives one that is there already as it is.
    async fn create_volume(
        &self,
        docker: &Docker,
        project: ProjectId,
        environment: EnvironmentId,
        volume: &VolumeName,
    ) -> Result<(), EngineError> {
        let request = VolumeCreateRequest {
            name: Some(name(environment, volume)),
            labels: Some(labels::of_volume(self.server_id, project, environment, volume)),
            ..VolumeCreateRequest::default()
        };
        let made = docker.create_volume(request).await;
        made.map(drop).map_err(|error| self.failed("make the volume", &error))
    }

    pub(super) async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        let docker = self.client().await?;
        let filters = HashMap::from([("label", vec![format!("{}={}", labels::SERVER, self.server_id)])]);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let found = docker.list_volumes(Some(options)).await;
        let found = found.map_err(|error| self.failed("list the volumes", &error))?;
        let volume = |found: bollard::models::Volume| {
            let (project_id, environment_id, name) = labels::volume(&found.labels)?;
            Some(Volume { project_id, environment_id, name, created_at: found.created_at })
        };
        let mut volumes: Vec<Volume> =
            found.volumes.unwrap_or_default().into_iter().filter_map(volume).collect();
        volumes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(volumes)
    }

    pub(super) async fn remove_volume(
        &self,
        environment: EnvironmentId,
        volume: &VolumeName,
    ) -> Result<(), EngineError> {
        let docker = self.client().await?;
        let name = name(environment, volume);
        match docker.inspect_volume(&name).await {
            Ok(found) if labels::is_of(&found.labels, self.server_id) => {}
            Ok(_) => return Ok(()),
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(self.failed("look at the volume", &error)),
        }
        // What an interrupted backup has left would keep it.
        self.remove(&docker, &helper(&name)).await?;
        match docker.remove_volume(&name, None::<RemoveVolumeOptions>).await {
            Ok(()) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) if is_conflict(&error) => {
                Err(EngineError::InUse { what: format!("The volume {volume}") })
            }
            Err(error) => Err(self.failed("remove the volume", &error)),
        }
    }

    /// A container that has a volume and never runs.
    async fn open_volume(
        &self,
        docker: &Docker,
        volume: &Volume,
        image: &str,
    ) -> Result<InstanceId, EngineError> {
        let name = name(volume.environment_id, &volume.name);
        let id = helper(&name);
        self.remove(docker, &id).await?;
        let mount = Mount {
            target: Some(PLACE.to_owned()),
            source: Some(name),
            typ: Some(MountType::VOLUME),
            ..Mount::default()
        };
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            entrypoint: Some(vec!["nothing".to_owned()]),
            labels: Some(labels::of_network(self.server_id, volume.project_id)),
            host_config: Some(HostConfig {
                mounts: Some(vec![mount]),
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptions { name: Some(id.0.clone()), ..Default::default() };
        match docker.create_container(Some(options), body).await {
            Ok(_) => Ok(id),
            Err(error) if is_gone(&error) => Err(EngineError::ImageMissing { image: image.to_owned() }),
            Err(error) => Err(self.failed("open the volume", &error)),
        }
    }

    pub(super) async fn fill_volume(
        &self,
        volume: &Volume,
        image: &str,
        archive: BoxStream<'static, Bytes>,
    ) -> Result<(), EngineError> {
        let docker = self.client().await?;
        self.create_volume(&docker, volume.project_id, volume.environment_id, &volume.name).await?;
        let id = self.open_volume(&docker, volume, image).await?;
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        let filled = docker.upload_to_container(&id.0, Some(options), body_stream(archive)).await;
        self.remove(&docker, &id).await?;
        filled.map_err(|error| self.failed("fill the volume", &error))
    }
}

/// What is in a volume, as a tar archive with the folder `volume`; see [`crate::engine::Engine::read_volume`].
pub(super) async fn read(
    shared: Arc<Shared>,
    volume: &Volume,
    image: &str,
) -> Result<BoxStream<'static, io::Result<Bytes>>, EngineError> {
    let docker = shared.client().await?;
    let id = shared.open_volume(&docker, volume, image).await?;
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        let options = DownloadFromContainerOptionsBuilder::new().path(PLACE).build();
        {
            let mut archive = Box::pin(docker.download_from_container(&id.0, Some(options)));
            while let Some(bytes) = archive.next().await {
                if sender.send(bytes.map_err(io::Error::other)).await.is_err() {
                    break;
                }
            }
        }
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        if let Err(error) = docker.remove_container(&id.0, Some(options)).await {
            tracing::warn!(%error, "the container of a backup of a volume was not removed");
        }
    });
    Ok(tokio_stream::wrappers::ReceiverStream::new(receiver).boxed())
}

/// The name of the container that reads or writes a volume; there is one at a time.
fn helper(volume: &str) -> InstanceId {
    InstanceId(format!("{volume}-backup"))
}
