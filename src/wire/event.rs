//! What webhooks are told, as JSON.

use crate::model::address::PublicAddress;
use crate::model::config_file::ConfigEdit;
use crate::model::deployment::DeploymentSource;
use crate::model::id::{DeploymentId, EnvironmentId, EventId, ProjectId};
use crate::model::name::{BranchName, CommitId, EnvironmentName, Slug, Username};
use crate::model::time::Timestamp;
use crate::model::webhook::{Event, EventKind};
use serde::{Deserialize, Serialize};

/// What a webhook of the format `json` is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBody {
    /// Of this body: what is told of an event may grow, and what is there keeps its meaning.
    pub version: u8,
    pub id: EventId,
    #[serde(rename = "type")]
    pub kind: EventKind,
    pub time: Timestamp,
    pub project: EventProject,
    pub environment: Option<EventEnvironment>,
    pub deployment: Option<EventDeployment>,
    pub instance: Option<EventInstance>,
    /// What was changed of the config, by name.
    pub config: Option<Vec<ConfigEdit>>,
    /// Who did it.
    pub author: Option<Username>,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventProject {
    pub id: ProjectId,
    pub slug: Slug,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEnvironment {
    pub id: EnvironmentId,
    pub name: EnvironmentName,
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDeployment {
    pub id: DeploymentId,
    /// Of the release that it has made.
    pub version: Option<i64>,
    pub url: String,
    pub commit: Option<CommitId>,
    pub branch: Option<BranchName>,
    pub source: DeploymentSource,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventInstance {
    pub name: String,
    pub exit_code: i64,
    pub crashes: u32,
}

impl EventBody {
    /// The version that is sent.
    pub const VERSION: u8 = 1;

    /// An event, with the URLs of this server.
    #[must_use]
    pub fn of(event: &Event, address: &PublicAddress) -> Self {
        let event = event.clone();
        let slug = &event.project.slug;
        let url = event.environment.as_ref().map(|environment| address.app_url(slug, &environment.name));
        let url = url.unwrap_or_default();
        let deployment = event.deployment.map(|deployment| EventDeployment {
            id: deployment.id,
            version: deployment.version,
            url: url.clone(),
            commit: deployment.commit,
            branch: deployment.branch,
            source: deployment.source,
        });
        Self {
            version: Self::VERSION,
            id: event.id,
            kind: event.kind,
            time: event.at,
            deployment,
            environment: event.environment.map(|environment| EventEnvironment {
                id: environment.id,
                name: environment.name,
                url,
            }),
            project: EventProject {
                id: event.project.id,
                slug: event.project.slug,
                name: event.project.name,
            },
            instance: event.instance.map(|instance| EventInstance {
                name: instance.name,
                exit_code: instance.exit_code,
                crashes: instance.crashes,
            }),
            config: (event.kind == EventKind::ConfigChanged).then_some(event.edits),
            author: event.author,
            reason: event.reason,
        }
    }
}
