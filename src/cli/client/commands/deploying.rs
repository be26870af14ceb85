//! The commands that make a deployment: `gilgal deploy`, `redeploy`, `rollback`, `promote`, `scale`, `restart`; and `run`.

use super::deployments::watch;
use super::{one_off, processes, releases};
use crate::cli::client::answer::Answer;
use crate::cli::client::arguments::DeployingCommand;
use crate::cli::client::context::Context;
use crate::cli::client::deployment::{self, Reference};
use crate::cli::client::environment::Place;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::folder;
use crate::cli::client::refusal::parse;
use crate::cli::printer;
use crate::model::id::DeploymentId;
use crate::model::name::{CommitId, EnvironmentName};
use crate::wire::deployment::DeploymentBody;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Whether a deployment is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    ToItsEnd,
    No,
}

impl Wait {
    const fn unless(detach: bool) -> Self {
        if detach { Self::No } else { Self::ToItsEnd }
    }
}

pub(super) async fn run(context: &Context, command: DeployingCommand) -> Result<Answer, Failure> {
    let place = Place::find(context, command.place()).await?;
    match command {
        DeployingCommand::Deploy { reference, image, repository, at, no_cache, detach, place: _ } => {
            let source = Source::of(reference, image, repository, at);
            deploy(context, &place, source, no_cache, Wait::unless(detach)).await
        }
        DeployingCommand::Redeploy { deployment, detach, place: _ } => {
            redeploy(context, &place, deployment.as_ref(), Wait::unless(detach)).await
        }
        DeployingCommand::Rollback { version, rebuild, yes, detach, place: _ } => {
            let wanted = releases::Rollback { version, rebuild, ask: !yes };
            releases::roll_back(context, &place, wanted, Wait::unless(detach)).await
        }
        DeployingCommand::Promote { to, detach, place: _ } => {
            promote(context, &place, &to, Wait::unless(detach)).await
        }
        DeployingCommand::Scale { counts, detach, place: _ } => {
            processes::scale(context, &place, &counts, Wait::unless(detach)).await
        }
        DeployingCommand::Restart { detach, place: _ } => {
            processes::restart(context, &place, Wait::unless(detach)).await
        }
        DeployingCommand::Run { command, place: _ } => one_off::run(context, &place, command).await,
    }
}

/// What is deployed.
enum Source {
    /// The files of a folder.
    Folder(PathBuf),
    Commit(CommitId),
    Branch(String),
    Image(String),
    Repository {
        url: String,
        reference: Option<String>,
    },
}

impl Source {
    fn of(
        reference: Option<String>,
        image: Option<String>,
        repository: Option<String>,
        at: Option<String>,
    ) -> Self {
        match (reference, image, repository) {
            (_, Some(image), _) => Self::Image(image),
            (_, None, Some(url)) => Self::Repository { url, reference: at },
            (Some(reference), None, None) if is_folder(&reference) => Self::Folder(reference.into()),
            (Some(reference), None, None) => match reference.parse() {
                Ok(commit) => Self::Commit(commit),
                Err(_) => Self::Branch(reference),
            },
            (None, None, None) => Self::Folder(".".into()),
        }
    }
}

/// Whether a word can be nothing but a path: no branch begins with a dot or a slash, or ends with one
/// (git-check-ref-format(1)).
fn is_folder(word: &str) -> bool {
    word.starts_with(['.', '/']) || word.ends_with('/')
}

async fn deploy(
    context: &Context,
    place: &Place,
    source: Source,
    no_cache: bool,
    wait: Wait,
) -> Result<Answer, Failure> {
    let path = format!("/api/projects/{}/deployments", place.project.body.id);
    let mut body = json!({ "environment": place.name, "no_cache": no_cache });
    match source {
        Source::Folder(folder) => {
            let archive = folder::packed(&folder)?;
            if context.screen.live && !context.json {
                printer::write(&format!("Sending {} KiB\n", archive.len().div_ceil(1024))).ok();
            }
            let path = format!("{path}?environment={}&no_cache={no_cache}", place.name);
            let api = context.api.patient(archive.len())?;
            let json = api.send_as(Method::POST, &path, "application/gzip", archive).await?;
            return made(context, json, wait).await;
        }
        Source::Commit(commit) => body["commit"] = json!(commit),
        Source::Branch(branch) => {
            body["branch"] = json!(branch);
            // Somebody who deploys elsewhere names a folder so.
            let folder = Path::new(&branch).is_dir();
            let json = context.api.post(&path, &body).await.map_err(|failure| {
                if folder {
                    failure.with_hint(format!("The folder is deployed by: gilgal deploy ./{branch}"))
                } else {
                    failure
                }
            });
            return made(context, json?, wait).await;
        }
        Source::Image(image) => body["image"] = json!(image),
        Source::Repository { url, reference } => {
            body["repository"] = json!(url);
            if let Some(reference) = reference {
                body["reference"] = json!(reference);
            }
        }
    }
    made(context, context.api.post(&path, &body).await?, wait).await
}

async fn redeploy(
    context: &Context,
    place: &Place,
    deployment: Option<&Reference>,
    wait: Wait,
) -> Result<Answer, Failure> {
    let json = if let Some(reference) = deployment {
        let of = (Some(&place.project.body.slug), Some(&place.name));
        let id = deployment::find(context, of, Some(reference)).await?;
        context.api.post(&format!("/api/deployments/{id}/redeploy"), &json!({})).await?
    } else {
        let path = format!("/api/projects/{}/deployments", place.project.body.id);
        context.api.post(&path, &json!({ "environment": place.name })).await?
    };
    made(context, json, wait).await
}

/// Brings the current release of an environment to another one.
async fn promote(
    context: &Context,
    place: &Place,
    to: &EnvironmentName,
    wait: Wait,
) -> Result<Answer, Failure> {
    let releases = releases::newest(context, place).await?;
    let current = releases.into_iter().find(|release| release.current).ok_or_else(|| {
        Failure::new(format!("Nothing is live in {}, so there is nothing to promote.", place.shown()))
            .with_hint("Deploy to it first, or name the environment that it is taken from: -e NAME")
            .with_exit(Exit::Missing)
    })?;
    let path = format!("/api/deployments/{}/promote", current.deployment_id);
    made(context, context.api.post(&path, &json!({ "environment": to })).await?, wait).await
}

/// The answer to a request that has made a deployment.
pub(super) async fn made(context: &Context, json: Value, wait: Wait) -> Result<Answer, Failure> {
    let deployment: DeploymentBody = parse(json.clone())?;
    begun(context, deployment.id, json, wait).await
}

/// Follows a deployment to its end, or says how to.
pub(super) async fn begun(
    context: &Context,
    id: DeploymentId,
    json: Value,
    wait: Wait,
) -> Result<Answer, Failure> {
    let short = deployment::short(id);
    match wait {
        Wait::No => Ok(Answer::new(
            format!("Deployment {short} has begun. Follow it: gilgal deployments attach {short}"),
            json,
        )),
        Wait::ToItsEnd => {
            if !context.json && context.screen.live {
                printer::write(&format!("Deployment {short}\n")).ok();
            }
            watch(context, id).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_branch_is_a_folder() {
        for word in [".", "..", "./app", "../shop", "/srv/shop", "app/"] {
            assert!(is_folder(word), "{word}");
        }
        for word in ["main", "feature/cart", "v1.2", "1a2b3c4"] {
            assert!(!is_folder(word), "{word}");
        }
    }
}
