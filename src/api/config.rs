//! `/api/environments/:id/config`: config vars, as JSON and as a `.env` file.

use crate::api::Api;
use crate::api::applied::changed;
use crate::api::deployments::Authors;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, ok, text};
use crate::api::request::Request;
use crate::model::environment::{ConfigScope, Environment};
use crate::model::name::ConfigName;
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::projects::configuration::{self, Change, ConfigurationError, ShownVariable, VariableDraft};
use crate::wire::config::{
    ConfigHistoryBody, PutVariableBody, UpdateConfigBody, VariableBody, VariableFields,
};
use crate::wire::dotenv;
use crate::wire::list::List;
use std::collections::BTreeMap;
use std::sync::Arc;
use warp::http::header::{ACCEPT, IF_MATCH};

/// The media type of a `.env` file.
const PLAIN_TEXT: &str = "text/plain";

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let (store, key) = (&api.store, &api.master_key);
    if request.header(ACCEPT).is_some_and(|accepted| accepted.trim().starts_with(PLAIN_TEXT)) {
        return Ok(text(configuration::export(store, key, environment.id).await?));
    }
    let variables = configuration::variables(store, key, environment.id).await?;
    Ok(ok(&all(variables)))
}

/// A batch, or a `.env` file.
pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let drafts = if request.has_media_type(PLAIN_TEXT) {
        let (scope, secret) = (query.word::<ConfigScope>("scope")?, query.value::<bool>("secret")?);
        query.finish()?;
        imported(&request.text().await?, scope, secret)?
    } else {
        query.finish()?;
        let UpdateConfigBody(variables) = request.json().await?;
        variables.into_iter().map(|(name, fields)| (name, fields.map(draft))).collect()
    };
    change(&api, &request, &project, &environment, &drafts).await
}

pub(super) async fn set(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let name = variable_name(&request)?;
    let PutVariableBody(fields) = request.json().await?;
    let drafts = BTreeMap::from([(name, Some(draft(fields)))]);
    change(&api, &request, &project, &environment, &drafts).await
}

pub(super) async fn unset(api: Arc<Api>, request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let name = variable_name(&request)?;
    if !api.store.config_vars(environment.id).await?.iter().any(|var| var.name == name) {
        return Err(ConfigurationError::NoSuchVariable(name).into());
    }
    change(&api, &request, &project, &environment, &BTreeMap::from([(name, None)])).await
}

pub(super) async fn history(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = api.store.config_changes_of(environment.id, page).await?;
    let authors = Authors::of(&api, page.data.iter().map(|change| change.author)).await?;
    let data = page.data.into_iter().map(|change| {
        let author = authors.name(change.author);
        let (id, changes, created_at) = (change.id, change.edits, change.created_at);
        ConfigHistoryBody { id, author, changes, created_at }
    });
    Ok(reply::list(data.collect(), page.next))
}

async fn change(
    api: &Api,
    request: &Request,
    project: &Project,
    environment: &Environment,
    drafts: &BTreeMap<ConfigName, Option<VariableDraft>>,
) -> Answer {
    let author = request.caller()?.user.id;
    let stored = || request.trail.changed();
    let change = Change { store: &api.store, key: &api.master_key, environment, author, stored: &stored };
    let prefixes = &api.options.public_prefixes;
    let known = known(api, request, environment).await?;
    let outcome =
        configuration::change_variables(change, project, drafts, prefixes, known.as_deref()).await?;
    changed(api, request, environment, outcome, None).await
}

/// What the client knows to be set, where that is a condition (`If-Match`): the tag is the one of all of them.
async fn known(
    api: &Api,
    request: &Request,
    environment: &Environment,
) -> Result<Option<Vec<ShownVariable>>, ApiError> {
    if !request.headers.contains_key(IF_MATCH) {
        return Ok(None);
    }
    let variables = configuration::variables(&api.store, &api.master_key, environment.id).await?;
    // Values do not go into the audit log.
    request.unless_unknown(&all(variables.clone()))?;
    Ok(Some(variables))
}

fn all(variables: Vec<ShownVariable>) -> List<VariableBody> {
    List { data: variables.into_iter().map(shown).collect(), next: None }
}

/// What a `.env` file sets.
fn imported(
    text: &str,
    scope: Option<ConfigScope>,
    secret: Option<bool>,
) -> Result<BTreeMap<ConfigName, Option<VariableDraft>>, ApiError> {
    let read = dotenv::parse(text).map_err(|error| ApiError::new(Code::MalformedBody, error))?;
    let draft = |value| VariableDraft { value: Some(Secret::new(value)), scope, secret, previews: None };
    Ok(read.into_iter().map(|(name, value)| (name, Some(draft(value)))).collect())
}

fn draft(fields: VariableFields) -> VariableDraft {
    let VariableFields { value, scope, secret, previews } = fields;
    VariableDraft { value, scope, secret, previews }
}

/// The config var in the path; a text that cannot be a name is the name of none.
fn variable_name(request: &Request) -> Result<ConfigName, ApiError> {
    request.named(":name", Code::VariableNotFound)
}

fn shown(variable: ShownVariable) -> VariableBody {
    let ShownVariable { name, value, scope, secret, previews, updated_at } = variable;
    VariableBody { name, value, scope, secret, previews, updated_at }
}
