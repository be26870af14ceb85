//! Every instance of a server.

use super::lifecycle::address_of;
use super::{Shared, labels};
use crate::engine::EngineError;
use crate::model::instance::{Instance, InstanceId, InstanceState};
use crate::model::time::Timestamp;
use bollard::models::ContainerSummaryStateEnum;
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::try_join_all;
use std::collections::HashMap;

impl Shared {
    pub(super) async fn list(&self) -> Result<Vec<Instance>, EngineError> {
        let docker = self.client().await?;
        let filters = HashMap::from([("label", vec![format!("{}={}", labels::SERVER, self.server_id)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let summaries = docker
            .list_containers(Some(options))
            .await
            .map_err(|error| self.failed("list the instances", &error))?;
        let instances = summaries.into_iter().map(async |summary| {
            let id = InstanceId(summary.id.unwrap_or_default());
            let known = summary.labels.as_ref().and_then(labels::key_and_port);
            let generation = summary.labels.as_ref().map(labels::generation).unwrap_or_default();
            match (summary.state, known) {
                (Some(ContainerSummaryStateEnum::RUNNING), Some((key, port))) => {
                    let networks = summary.network_settings.and_then(|settings| settings.networks);
                    let address = networks.and_then(|networks| address_of(&networks, port));
                    let created_at =
                        summary.created.and_then(|seconds| Timestamp::from_timestamp(seconds, 0));
                    let state = InstanceState::Running;
                    Ok(Some(Instance { id, key, generation, state, address, created_at }))
                }
                // A list does not tell exit codes.
                _ => self.inspect_among(&id).await,
            }
        });
        Ok(try_join_all(instances).await?.into_iter().flatten().collect())
    }

    /// What is known of one among others: one that the engine cannot look at keeps nobody from the others.
    async fn inspect_among(&self, id: &InstanceId) -> Result<Option<Instance>, EngineError> {
        match self.inspect(id).await {
            Err(error @ EngineError::Unavailable { .. }) => Err(error),
            Err(error) => {
                tracing::warn!(
                    instance = id.0,
                    error = &error as &dyn std::error::Error,
                    "an instance is left out: the engine cannot look at it"
                );
                Ok(None)
            }
            found => found,
        }
    }
}
