//! Which deployment a command is about, and how deployments are shown.

use super::api::Api;
use super::context::Context;
use super::environment::Place;
use super::failure::{Exit, Failure};
use super::project;
use super::refusal::parse;
use crate::model::deployment::Status;
use crate::model::id::DeploymentId;
use crate::model::name::{EnvironmentName, Slug};
use crate::model::time::Timestamp;
use crate::wire::deployment::{DeploymentBody, StepStatus};
use crate::wire::list::List;
use crate::wire::release::ReleaseBody;
use serde_json::Value;
use std::str::FromStr;

/// How many of a project's deployments are looked through for a short id.
const LOOKED_THROUGH: u16 = 100;
/// Digits of a short id: the end of the whole one, since its beginning is the time.
const SHORT: usize = 8;
/// Fewest digits that a person may type of it.
const SHORTEST: usize = 4;

/// A deployment, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Reference {
    Id(DeploymentId),
    /// The end of an id.
    Short(String),
    /// The one that made a release: `v7`.
    Version(i64),
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if let Some(version) = text.strip_prefix('v').and_then(|digits| digits.parse().ok()) {
            return Ok(Self::Version(version));
        }
        let short = text.to_ascii_lowercase();
        if short.len() >= SHORTEST && short.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::Short(short));
        }
        Err("write a deployment as its id, the end of it as lists show it, or as a release: v7".to_owned())
    }
}

/// The id as lists show it.
pub(super) fn short(id: DeploymentId) -> String {
    let id = id.to_string();
    id[id.len() - SHORT..].to_owned()
}

/// Finds a deployment; the newest one of the project, or of an environment of it, unless one is named. A whole id needs no
/// project; a release is one of production unless an environment is named.
///
/// # Errors
/// When there is none, or a short id is the end of several.
pub(super) async fn find(
    context: &Context,
    (project, environment): (Option<&Slug>, Option<&EnvironmentName>),
    reference: Option<&Reference>,
) -> Result<DeploymentId, Failure> {
    let short = match reference {
        Some(Reference::Id(id)) => return Ok(*id),
        Some(Reference::Version(version)) => {
            let project = project::find(&context.api, project).await?;
            let name = environment.cloned().unwrap_or_else(EnvironmentName::production);
            let path = Place { project, name }.path(&format!("/releases/{version}"));
            return Ok(parse::<ReleaseBody>(context.api.get(&path).await?)?.deployment_id);
        }
        Some(Reference::Short(end)) => Some(end),
        None => None,
    };
    let project = project::find(&context.api, project).await?;
    let of_environment = match environment {
        Some(name) => {
            let place = Place { project: project.clone(), name: name.clone() };
            format!("&environment_id={}", place.fetch(&context.api).await?.id)
        }
        None => String::new(),
    };
    let id = project.body.id;
    let limit = if short.is_some() { LOOKED_THROUGH } else { 1 };
    let page = format!("/api/projects/{id}/deployments?limit={limit}{of_environment}");
    let page = context.api.get(&page).await?;
    let deployments = parse::<List<DeploymentBody>>(page)?.data;
    let missing = |message: String| {
        Failure::new(message).with_hint("`gilgal deployments` lists them.").with_exit(Exit::Missing)
    };
    let Some(end) = short else {
        let newest = deployments.first().map(|newest| newest.id);
        return newest.ok_or_else(|| missing("Nothing has been deployed yet.".to_owned()));
    };
    let is_meant = |deployment: &&DeploymentBody| deployment.id.to_string().ends_with(end.as_str());
    let mut meant = deployments.iter().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(deployment), None) => Ok(deployment.id),
        (None, _) => Err(missing("There is no such deployment among the newest of the project.".to_owned())),
        (Some(_), Some(_)) => Err(missing("Several deployments end so: type more of the id.".to_owned())),
    }
}

/// The deployment with its steps, whole and as its body.
pub(super) async fn fetch(api: &Api, id: DeploymentId) -> Result<(DeploymentBody, Value), Failure> {
    let json = api.get(&format!("/api/deployments/{id}")).await?;
    Ok((parse(json.clone())?, json))
}

/// Whether nothing happens to it any more.
pub(super) const fn is_over(status: Status) -> bool {
    match status {
        Status::Success | Status::Failed | Status::Cancelled | Status::Superseded => true,
        Status::Queued | Status::Building | Status::Deploying => false,
    }
}

/// The word for how a step ended.
pub(super) const fn step_word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Running => "running",
        StepStatus::Done => "done",
        StepStatus::Failed => "failed",
        StepStatus::Cancelled => "cancelled",
        StepStatus::Superseded => "superseded",
    }
}

/// How long it has taken, or takes until now.
pub(super) fn took(deployment: &DeploymentBody, now: Timestamp) -> String {
    let Some(started) = deployment.started_at else { return "-".to_owned() };
    let until = deployment.finished_at.unwrap_or(now);
    seconds((until - started).num_milliseconds())
}

/// A duration in milliseconds as people read it: `0.8 s`, `75 s` and, from two minutes on, `2 min 5 s`.
pub(super) fn seconds(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let whole = milliseconds / 1000;
    match whole {
        0..10 => format!("{whole}.{} s", milliseconds % 1000 / 100),
        10..120 => format!("{whole} s"),
        _ => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_has_several_names() {
        let id = DeploymentId::generate();
        assert_eq!(id.to_string().parse(), Ok(Reference::Id(id)));
        assert_eq!("v7".parse(), Ok(Reference::Version(7)));
        assert_eq!("A1b2".parse(), Ok(Reference::Short("a1b2".to_owned())));
        assert_eq!(short(id).parse(), Ok(Reference::Short(short(id))));
        for bad in ["", "abc", "latest", "v", "../x", "12 4"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_as_exact_as_they_matter() {
        for (milliseconds, shown) in [
            (-1, "0.0 s"),
            (860, "0.8 s"),
            (9_999, "9.9 s"),
            (10_000, "10 s"),
            (119_999, "119 s"),
            (125_000, "2 min 5 s"),
        ] {
            assert_eq!(seconds(milliseconds), shown);
        }
    }
}
