//! One bridge network for each project.

use super::failure::{is_conflict, is_gone};
use super::{Shared, labels};
use crate::docker::message;
use crate::engine::EngineError;
use crate::model::id::ProjectId;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use std::collections::HashMap;

/// How many address ranges are tried before giving up.
const RANGES_TRIED: u16 = 64;

impl Shared {
    /// The name of a project's network. The server is part of it: two servers restored from one backup know the same
    /// projects.
    pub(super) fn network_name(&self, project: ProjectId) -> String {
        let server = self.server_id.as_uuid().simple().to_string();
        let (_, random) = server.split_at(20);
        format!("gilgal-{random}-{project}")
    }

    pub(super) async fn ensure_network(&self, project: ProjectId) -> Result<(), EngineError> {
        let docker = self.client().await?;
        let _one_at_a_time = self.making_network.lock().await;
        let name = self.network_name(project);
        if self.network_exists(&docker, &name).await? {
            return Ok(());
        }
        match self.create_network(&docker, &name, project, None).await {
            Ok(()) => Ok(()),
            Err(error) if is_conflict(&error) => Ok(()),
            Err(error) if is_exhausted(&error) => self.create_in_own_range(&docker, &name, project).await,
            Err(error) => Err(self.failed("make the project's network", &error)),
        }
    }

    pub(super) async fn networks(&self) -> Result<Vec<ProjectId>, EngineError> {
        let docker = self.client().await?;
        let filters = HashMap::from([("label", vec![format!("{}={}", labels::SERVER, self.server_id)])]);
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let found = docker.list_networks(Some(options)).await;
        let found = found.map_err(|error| self.failed("list the networks", &error))?;
        Ok(found.iter().filter_map(|network| labels::project(network.labels.as_ref()?)).collect())
    }

    async fn network_exists(&self, docker: &Docker, name: &str) -> Result<bool, EngineError> {
        let filters = HashMap::from([("name", vec![name])]);
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let found = docker
            .list_networks(Some(options))
            .await
            .map_err(|error| self.failed("list the networks", &error))?;
        // The filter also finds names that merely contain this one.
        Ok(found.iter().any(|network| network.name.as_deref() == Some(name)))
    }

    /// Docker's own ranges are enough for about 30 networks on a host. After that the network gets a small one of
    /// `10.128.0.0/9`, looked for from a place that depends on the project so that the first try mostly fits.
    pub(super) async fn create_in_own_range(
        &self,
        docker: &Docker,
        name: &str,
        project: ProjectId,
    ) -> Result<(), EngineError> {
        let [.., high, low] = *project.as_uuid().as_bytes();
        let first = u16::from_be_bytes([high, low]);
        for step in 0..RANGES_TRIED {
            match self.create_network(docker, name, project, Some(range(first.wrapping_add(step)))).await {
                Ok(()) => return Ok(()),
                Err(error) if message(&error).contains("overlaps") => {}
                Err(error) => return Err(self.failed("make the project's network", &error)),
            }
        }
        Err(EngineError::NoAddressRange)
    }

    async fn create_network(
        &self,
        docker: &Docker,
        name: &str,
        project: ProjectId,
        subnet: Option<String>,
    ) -> Result<(), Error> {
        let ipam = subnet.map(|subnet| Ipam {
            config: Some(vec![IpamConfig { subnet: Some(subnet), ..IpamConfig::default() }]),
            ..Ipam::default()
        });
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels::of_network(self.server_id, project)),
            ipam,
            ..NetworkCreateRequest::default()
        };
        docker.create_network(request).await.map(|_| ())
    }

    pub(super) async fn remove_network(&self, project: ProjectId) -> Result<(), EngineError> {
        let docker = self.client().await?;
        match docker.remove_network(&self.network_name(project)).await {
            Ok(()) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) if message(&error).contains("has active endpoints") => {
                Err(EngineError::InUse { what: "The project's network".to_owned() })
            }
            Err(error) => Err(self.failed("remove the project's network", &error)),
        }
    }
}

/// One of the 32,768 ranges of 256 addresses in `10.128.0.0/9`.
fn range(number: u16) -> String {
    let [high, low] = number.to_be_bytes();
    format!("10.{}.{low}.0/24", high | 128)
}

/// Whether Docker has used up its own address ranges (libnetwork's `ErrNoAvailablePool` and the message of later versions).
fn is_exhausted(error: &Error) -> bool {
    let message = message(error);
    message.contains("non-overlapping IPv4 address pool")
        || message.contains("address pools have been fully subnetted")
}

#[cfg(test)]
mod tests {
    #[test]
    fn ranges_stay_in_the_upper_half_of_ten() {
        assert_eq!(super::range(0), "10.128.0.0/24");
        assert_eq!(super::range(u16::MAX), "10.255.255.0/24");
        assert_eq!(super::range(0x0102), "10.129.2.0/24");
    }
}
