//! An event in words, for people.

use crate::model::address::PublicAddress;
use crate::model::config_file::Edit;
use crate::model::webhook::{Event, EventKind};

/// Names of changed config vars that are told.
const NAMES: usize = 10;

/// An event in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// What has happened, in one line.
    pub(super) headline: String,
    /// What there is to say of it, a line each.
    pub(super) lines: Vec<String>,
    /// Where to look.
    pub(super) url: Option<String>,
    pub(super) mood: Mood,
}

/// Whether it is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    Bad,
    Neither,
}

impl Words {
    /// The words for an event.
    pub(super) fn of(event: &Event, address: &PublicAddress) -> Self {
        let mut lines = Vec::new();
        if let Some(deployment) = &event.deployment {
            let commit = deployment.commit.as_ref().map(|commit| commit.as_str()[..7].to_owned());
            let branch = deployment.branch.as_ref().map(ToString::to_string);
            let what = match (branch, commit) {
                (Some(branch), Some(commit)) => format!("{branch} at {commit}"),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => "its commit".to_owned(),
            };
            let by = event.author.as_ref().map_or_else(String::new, |author| format!(" by {author}"));
            lines.push(format!("{}{by}: {what}", deployment.source.as_str()));
        } else if let Some(author) = &event.author {
            lines.push(format!("by {author}"));
        }
        lines.extend(edited(event));
        lines.extend(event.reason.clone());
        let url = event.environment.as_ref().filter(|_| event.kind != EventKind::EnvironmentDeleted);
        let url = url.map(|environment| address.app_url(&event.project.slug, &environment.name));
        let headline = format!("{}: {}", event.place(), what(event));
        Self { headline, lines, url, mood: mood(event.kind) }
    }

    /// All of it as plain text.
    pub(super) fn plain(&self) -> String {
        let lines = std::iter::once(&self.headline).chain(&self.lines).chain(&self.url);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

fn what(event: &Event) -> String {
    let release = event.deployment.as_ref().and_then(|deployment| deployment.version);
    let release = release.map_or_else(|| "the release".to_owned(), |version| format!("v{version}"));
    let instance = event.instance.as_ref();
    let name = instance.map_or("an instance", |instance| instance.name.as_str());
    match event.kind {
        EventKind::DeploymentQueued => "deployment queued".to_owned(),
        EventKind::DeploymentStarted => "deployment started".to_owned(),
        EventKind::DeploymentSucceeded => format!("{release} is live"),
        EventKind::DeploymentFailed => "deployment failed".to_owned(),
        EventKind::DeploymentCancelled => "deployment cancelled".to_owned(),
        EventKind::DeploymentSuperseded => "deployment superseded".to_owned(),
        EventKind::DeploymentRolledBack => format!("rolled back, {release} is live"),
        EventKind::InstanceCrashed => {
            let code = instance.map_or(0, |instance| instance.exit_code);
            format!("{name} crashed with exit code {code} and is started again")
        }
        EventKind::InstanceCrashLooping => {
            let crashes = instance.map_or(0, |instance| instance.crashes);
            format!("{name} crashes again and again ({crashes} times within minutes)")
        }
        EventKind::ConfigChanged => "config changed".to_owned(),
        EventKind::EnvironmentCreated => "environment created".to_owned(),
        EventKind::EnvironmentDeleted => "environment deleted".to_owned(),
        EventKind::WebhookDisabled => "a webhook is disabled".to_owned(),
        EventKind::Test => "this is a test, and it has arrived".to_owned(),
    }
}

const fn mood(kind: EventKind) -> Mood {
    match kind {
        EventKind::DeploymentSucceeded => Mood::Good,
        EventKind::DeploymentFailed
        | EventKind::DeploymentRolledBack
        | EventKind::InstanceCrashed
        | EventKind::InstanceCrashLooping
        | EventKind::WebhookDisabled => Mood::Bad,
        EventKind::DeploymentQueued
        | EventKind::DeploymentStarted
        | EventKind::DeploymentCancelled
        | EventKind::DeploymentSuperseded
        | EventKind::ConfigChanged
        | EventKind::EnvironmentCreated
        | EventKind::EnvironmentDeleted
        | EventKind::Test => Mood::Neither,
    }
}

/// What was changed of the config, in one line.
fn edited(event: &Event) -> Option<String> {
    let edit = |edit: &crate::model::config_file::ConfigEdit| {
        let done = match edit.edit {
            Edit::Added => "added",
            Edit::Changed => "changed",
            Edit::Removed => "removed",
        };
        format!("{} {done}", edit.name)
    };
    let mut edits: Vec<String> = event.edits.iter().take(NAMES).map(edit).collect();
    match event.edits.len().saturating_sub(NAMES) {
        0 => {}
        more => edits.push(format!("{more} more")),
    }
    (!edits.is_empty()).then(|| edits.join(", "))
}
