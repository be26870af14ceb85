//! What is told of a deployment, in words that every provider has something for.

use super::comment::{Comment, marker};
use crate::model::address::PublicAddress;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::name::{BranchName, CommitId, EnvironmentName};
use crate::model::webhook::{DeploymentFacts, EnvironmentFacts, Event, EventKind};
use serde::Serialize;

/// Most characters of a description, as GitHub takes it; the others take more.
const LONGEST_DESCRIPTION: usize = 140;

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    Queued,
    Started,
    Live,
    /// An earlier release is live again.
    RolledBack,
    Failed,
    Cancelled,
    Superseded,
    /// A later commit of the same branch is live, in which this one is.
    Contained,
}

impl Stage {
    const fn of(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::DeploymentQueued => Some(Self::Queued),
            EventKind::DeploymentStarted => Some(Self::Started),
            EventKind::DeploymentSucceeded => Some(Self::Live),
            EventKind::DeploymentRolledBack => Some(Self::RolledBack),
            EventKind::DeploymentFailed => Some(Self::Failed),
            EventKind::DeploymentCancelled => Some(Self::Cancelled),
            EventKind::DeploymentSuperseded => Some(Self::Superseded),
            EventKind::InstanceCrashed
            | EventKind::InstanceCrashLooping
            | EventKind::ConfigChanged
            | EventKind::EnvironmentCreated
            | EventKind::EnvironmentDeleted
            | EventKind::WebhookDisabled
            | EventKind::Test => None,
        }
    }

    /// Whether the app answers with the commit.
    pub(super) const fn is_live(self) -> bool {
        match self {
            Self::Live | Self::RolledBack | Self::Contained => true,
            Self::Queued | Self::Started | Self::Failed | Self::Cancelled | Self::Superseded => false,
        }
    }
}

/// What is told of one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    pub(super) stage: Stage,
    pub(super) commit: CommitId,
    pub(super) branch: Option<BranchName>,
    /// By what the status is told from others of the commit: `gilgal/shop:production`.
    pub(super) context: String,
    /// `shop/production`: several projects may be of one repository.
    pub(super) environment: String,
    pub(super) environment_id: EnvironmentId,
    #[serde(skip)]
    pub(super) is_production: bool,
    pub(super) deployment_id: DeploymentId,
    pub(super) description: String,
    pub(super) app_url: String,
    /// Of the deployment, where it is known under which address the API is reached.
    pub(super) log_url: Option<String>,
    pub(super) comment: Option<Comment>,
}

impl Report {
    /// What is told of an event: nothing where it is about no deployment, or its commit is not known yet. Of a deployment
    /// that has become another commit than a delivery has announced, something is told of both.
    pub(super) fn of(event: &Event, address: &PublicAddress, api_url: Option<&str>) -> Vec<Self> {
        let (Some(stage), Some(environment), Some(deployment)) =
            (Stage::of(event.kind), &event.environment, &event.deployment)
        else {
            return Vec::new();
        };
        let Some(commit) = deployment.commit.as_ref().or(deployment.announced.as_ref()) else {
            return Vec::new();
        };
        let slug = &event.project.slug;
        let app = address.app_url(slug, &environment.name);
        let log_url = api_url.map(|url| format!("{url}/api/deployments/{}/logs", deployment.id));
        let mut report = Self {
            stage,
            commit: commit.clone(),
            branch: deployment.branch.clone(),
            context: format!("gilgal/{}", event.place()),
            environment: format!("{slug}/{}", environment.name),
            environment_id: environment.id,
            is_production: environment.name == EnvironmentName::production(),
            deployment_id: deployment.id,
            description: cut(&description(stage, deployment, event.reason.as_deref())),
            app_url: app,
            log_url,
            comment: None,
        };
        report.comment = comment(event, environment, &report);
        let overtaken = deployment.announced.as_ref().filter(|announced| *announced != commit).cloned();
        let overtaken = overtaken.map(|announced| Self {
            stage: if stage.is_live() { Stage::Contained } else { stage },
            commit: announced,
            description: format!("{} of the same branch has taken its place", commit.short()),
            comment: None,
            ..report.clone()
        });
        std::iter::once(report).chain(overtaken).collect()
    }

    /// Where a status leads.
    pub(super) fn url(&self) -> Option<&str> {
        if self.stage.is_live() { Some(&self.app_url) } else { self.log_url.as_deref() }
    }
}

fn comment(event: &Event, environment: &EnvironmentFacts, report: &Report) -> Option<Comment> {
    let number = environment.pull_request?;
    Some(Comment::of(
        number,
        marker(event, &environment.name),
        (&event.place(), event.reason.as_deref()),
        report,
    ))
}

fn description(stage: Stage, deployment: &DeploymentFacts, reason: Option<&str>) -> String {
    let version =
        deployment.version.map_or_else(|| "The release".to_owned(), |version| format!("v{version}"));
    let or = |usual: &str| reason.unwrap_or(usual).to_owned();
    match stage {
        Stage::Queued => "Waits for its turn".to_owned(),
        Stage::Started => "Is being deployed".to_owned(),
        Stage::Live | Stage::Contained => format!("{version} is live"),
        Stage::RolledBack => format!("{version} is live again"),
        Stage::Failed => or("Was not deployed"),
        Stage::Cancelled => or("Was cancelled"),
        Stage::Superseded => or("A newer deployment has taken its place"),
    }
}

/// The first line of a text, no longer than is taken.
fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= LONGEST_DESCRIPTION {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LONGEST_DESCRIPTION - 1).collect();
    format!("{kept}…")
}
