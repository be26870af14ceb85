//! Starting, watching and ending instances.

use super::failure::{is_conflict, is_gone};
use super::{Shared, container, labels};
use crate::engine::{EngineError, InstanceSpec, Life};
use crate::model::instance::{Instance, InstanceId, InstanceState};
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum, ContainerUpdateBody,
    EndpointSettings, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptions, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How often, and with what pause, a name in the way is looked at before giving up. A container has its name a moment
/// before it can be looked at, when the same instance is started twice at once.
const ATTEMPTS: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

impl Shared {
    pub(super) async fn start(&self, spec: &InstanceSpec) -> Result<Instance, EngineError> {
        let docker = self.client().await?;
        let id = self.create(&docker, spec).await?;
        if let Err(error) = docker.start_container(&id.0, None).await {
            let failure = self.start_failed(spec, &error);
            self.remove(&docker, &id).await?;
            return Err(failure);
        }
        self.inspect(&id).await?.ok_or_else(|| EngineError::NotFound { what: spec.key.shown() })
    }

    /// The id of a container for the spec, with its files: a new one, or the one that is there already.
    pub(super) async fn create(
        &self,
        docker: &Docker,
        spec: &InstanceSpec,
    ) -> Result<InstanceId, EngineError> {
        let network = self.network_name(spec.key.project_id);
        self.create_from(docker, spec, container::body(self.server_id, &network, spec)).await
    }

    /// The same with a request that was made for it.
    pub(super) async fn create_from(
        &self,
        docker: &Docker,
        spec: &InstanceSpec,
        body: ContainerCreateBody,
    ) -> Result<InstanceId, EngineError> {
        self.ensure_volumes(docker, spec).await?;
        let (id, state) = self.make(docker, spec, body).await?;
        // One that was made and has not run may have been left before its files were put into it.
        if state == InstanceState::Created
            && let Err(failure) = self.prepare(docker, &id, spec).await
        {
            self.remove(docker, &id).await?;
            return Err(failure);
        }
        Ok(id)
    }

    /// Puts everything into a container that it needs before it runs.
    async fn prepare(
        &self,
        docker: &Docker,
        id: &InstanceId,
        spec: &InstanceSpec,
    ) -> Result<(), EngineError> {
        self.give_volumes(docker, id, spec).await?;
        self.put_files(docker, id, spec).await
    }

    async fn make(
        &self,
        docker: &Docker,
        spec: &InstanceSpec,
        body: ContainerCreateBody,
    ) -> Result<(InstanceId, InstanceState), EngineError> {
        let name = container::name(spec);
        for _ in 0..ATTEMPTS {
            let options = CreateContainerOptions { name: Some(name.clone()), ..Default::default() };
            match docker.create_container(Some(options), body.clone()).await {
                Ok(created) => return Ok((InstanceId(created.id), InstanceState::Created)),
                Err(error) if is_conflict(&error) => {
                    if let Some(there) = self.reuse_or_clear(docker, &name, spec).await? {
                        return Ok(there);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) if is_gone(&error) => {
                    return Err(EngineError::ImageMissing { image: spec.image.clone() });
                }
                Err(error) => return Err(self.failed("create the instance", &error)),
            }
        }
        Err(EngineError::InUse { what: format!("The container name {name}") })
    }

    /// Looks at the container that has the name: one that runs, or is about to, for the very same spec is the wanted
    /// one; any other of this server is removed.
    async fn reuse_or_clear(
        &self,
        docker: &Docker,
        name: &str,
        spec: &InstanceSpec,
    ) -> Result<Option<(InstanceId, InstanceState)>, EngineError> {
        let found = match docker.inspect_container(name, None).await {
            Ok(found) => found,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(self.failed("look at an instance", &error)),
        };
        let id = InstanceId(found.id.clone().unwrap_or_default());
        let found_labels = labels_of(&found);
        if !labels::is_of(&found_labels, self.server_id) {
            return Err(EngineError::InUse { what: format!("The container name {name}") });
        }
        let state = state_of(&found);
        let ended = matches!(state, InstanceState::Exited { .. });
        if !ended && labels::is_from(&found_labels, spec) {
            return Ok(Some((id, state)));
        }
        self.remove(docker, &id).await?;
        Ok(None)
    }

    /// The container of the very same spec, if it has run and ended.
    pub(super) async fn ended(
        &self,
        docker: &Docker,
        spec: &InstanceSpec,
    ) -> Result<Option<InstanceId>, EngineError> {
        let found = match docker.inspect_container(&container::name(spec), None).await {
            Ok(found) => found,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(self.failed("look at an instance", &error)),
        };
        let labels = labels_of(&found);
        let is_it = labels::is_of(&labels, self.server_id) && labels::is_from(&labels, spec);
        let status = found.state.as_ref().and_then(|state| state.status);
        let has_ended = status == Some(ContainerStateStatusEnum::EXITED);
        Ok(found.id.filter(|_| is_it && has_ended).map(InstanceId))
    }

    /// Why a container that exists did not start: the app's fault more often than the engine's.
    pub(super) fn start_failed(&self, spec: &InstanceSpec, error: &Error) -> EngineError {
        match self.failed("start the instance", error) {
            EngineError::Other { reason, .. } if reason.contains("network") && is_gone(error) => {
                EngineError::NotFound { what: format!("The network of the project {}", spec.slug) }
            }
            EngineError::Other { reason, .. } if reason.contains("OCI runtime create failed") => {
                EngineError::CannotStart { command: spec.command.shown(), reason: runtime_reason(&reason) }
            }
            other => other,
        }
    }

    pub(super) async fn keep_running(&self, id: &InstanceId) -> Result<(), EngineError> {
        let docker = self.client().await?;
        let policy = RestartPolicy {
            // Not `on-failure`: a web server that ends with code 0 has ended all the same.
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        };
        let change = ContainerUpdateBody { restart_policy: Some(policy), ..Default::default() };
        docker.update_container(&id.0, change).await.map_err(|error| {
            if is_gone(&error) {
                EngineError::NotFound { what: format!("The instance {}", id.0) }
            } else {
                self.failed("keep the instance running", &error)
            }
        })
    }

    pub(super) async fn stop(&self, id: &InstanceId, grace: Duration) -> Result<(), EngineError> {
        // Also the check that the container is one of this server.
        if self.inspect(id).await?.is_none() {
            return Ok(());
        }
        let docker = self.client().await?;
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let options =
            StopContainerOptionsBuilder::new().t(i32::try_from(seconds).unwrap_or(i32::MAX)).build();
        // The answer comes when the container has ended.
        let patient = Docker::clone(&docker).with_timeout(grace + docker.timeout());
        match patient.stop_container(&id.0, Some(options)).await {
            Err(error) if !is_gone(&error) => return Err(self.failed("stop the instance", &error)),
            Ok(()) | Err(_) => {}
        }
        self.remove(&docker, id).await
    }

    /// Kills and removes a container, with the volumes that its image declares.
    pub(super) async fn remove(&self, docker: &Docker, id: &InstanceId) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match docker.remove_container(&id.0, Some(options)).await {
            // A conflict means that somebody else is removing it.
            Err(error) if !is_gone(&error) && !is_conflict(&error) => {
                Err(self.failed("remove the instance", &error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) async fn inspect(&self, id: &InstanceId) -> Result<Option<Instance>, EngineError> {
        let docker = self.client().await?;
        match docker.inspect_container(&id.0, None).await {
            Ok(found) if labels::is_of(&labels_of(&found), self.server_id) => Ok(instance_of(&found)),
            Ok(_) => Ok(None),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(self.failed("look at an instance", &error)),
        }
    }

    pub(super) async fn life(&self, id: &InstanceId) -> Result<Option<Life>, EngineError> {
        let docker = self.client().await?;
        let found = match docker.inspect_container(&id.0, None).await {
            Ok(found) if labels::is_of(&labels_of(&found), self.server_id) => found,
            Ok(_) => return Ok(None),
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(self.failed("look at an instance", &error)),
        };
        let ended = matches!(state_of(&found), InstanceState::Exited { .. });
        let since = found.state.as_ref().and_then(|state| {
            let time = if ended { state.finished_at.as_ref() } else { state.started_at.as_ref() };
            chrono::DateTime::parse_from_rfc3339(time?).ok().map(|time| time.to_utc())
        });
        let is_restarting = found.state.as_ref().and_then(|state| state.restarting).unwrap_or_default();
        let restarts = found.restart_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default();
        Ok(Some(Life { since, restarts, is_restarting }))
    }
}

/// What an inspected container is as an instance; `None` for one whose labels somebody has tampered with.
fn instance_of(found: &ContainerInspectResponse) -> Option<Instance> {
    let labels = labels_of(found);
    let (key, port) = labels::key_and_port(&labels)?;
    let networks = found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    Some(Instance {
        id: InstanceId(found.id.clone()?),
        key,
        generation: labels::generation(&labels),
        state: state_of(found),
        address: networks.and_then(|networks| address_of(networks, port)),
        created_at: found.created,
    })
}

fn labels_of(found: &ContainerInspectResponse) -> HashMap<String, String> {
    found.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default()
}

fn state_of(found: &ContainerInspectResponse) -> InstanceState {
    use ContainerStateStatusEnum as Status;
    let Some(state) = &found.state else { return InstanceState::Created };
    match state.status {
        None | Some(Status::EMPTY | Status::CREATED) => InstanceState::Created,
        Some(Status::RUNNING | Status::PAUSED) => InstanceState::Running,
        // One that waits to be restarted has ended, and so has one that is being removed.
        Some(Status::RESTARTING | Status::REMOVING | Status::EXITED | Status::DEAD | Status::STOPPING) => {
            InstanceState::Exited {
                code: state.exit_code.unwrap_or_default(),
                out_of_memory: state.oom_killed.unwrap_or_default(),
            }
        }
    }
}

/// Where an instance can be reached: it is on one network only.
pub(super) fn address_of(networks: &HashMap<String, EndpointSettings>, port: u16) -> Option<SocketAddr> {
    let address = networks.values().find_map(|network| network.ip_address.as_ref()?.parse().ok())?;
    Some(SocketAddr::new(address, port))
}

/// The last part of runc's message, which is the one about the program: `exec: "nope": executable file not found`.
fn runtime_reason(message: &str) -> String {
    let reason = message.rsplit("starting container process caused: ").next().unwrap_or(message);
    reason.trim_end_matches(": unknown").to_owned()
}
