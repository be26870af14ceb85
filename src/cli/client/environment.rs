//! Which environment a command is about.

use super::api::Api;
use super::arguments::InEnvironment;
use super::context::Context;
use super::failure::Failure;
use super::project::{self, Project};
use super::refusal::parse;
use crate::model::id::EnvironmentId;
use crate::model::name::EnvironmentName;
use crate::wire::environment::EnvironmentBody;
use crate::wire::list::List;
use serde_json::Value;
use std::collections::BTreeMap;

/// An environment that somebody means, with its project.
pub(super) struct Place {
    pub(super) project: Project,
    pub(super) name: EnvironmentName,
}

impl Place {
    /// Finds the project; whether it has the environment is for the server to say.
    ///
    /// # Errors
    /// As of [`project::find`].
    pub(super) async fn find(context: &Context, place: &InEnvironment) -> Result<Self, Failure> {
        let project = project::find(&context.api, place.project.project.as_ref()).await?;
        let name = place.environment.clone().unwrap_or_else(EnvironmentName::production);
        Ok(Self { project, name })
    }

    /// A path of the API below the environment: `/config`.
    pub(super) fn path(&self, below: &str) -> String {
        format!("/api/environments/{}:{}{below}", self.project.body.slug, self.name)
    }

    /// How people name it: `shop`, `shop:staging`.
    pub(super) fn shown(&self) -> String {
        self.name.shown_of(&self.project.body.slug)
    }

    /// The environment as the API shows it.
    pub(super) async fn fetch(&self, api: &Api) -> Result<EnvironmentBody, Failure> {
        parse(api.get(&self.path("")).await?)
    }
}

/// The names of a project's environments.
pub(super) async fn names(
    api: &Api,
    project: &Project,
) -> Result<BTreeMap<EnvironmentId, EnvironmentName>, Failure> {
    let page = api.get(&format!("/api/projects/{}/environments", project.body.id)).await?;
    let List { data, next: _ } = parse::<List<Value>>(page)?;
    data.into_iter().map(|body| parse::<EnvironmentBody>(body).map(|body| (body.id, body.name))).collect()
}
