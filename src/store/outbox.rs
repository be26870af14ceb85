//! What has happened to a project, written down for its webhooks in the transaction in which it happens: it is told if, and
//! only if, it has.
//!
//! For a project without webhooks nothing is written.

use super::{deliveries, previews};
use crate::model::config_file::ConfigEdit;
use crate::model::deployment::{DeploymentOptions, DeploymentSource, DeploymentState};
use crate::model::id::{DeploymentId, EnvironmentId, EventId, HookId, ProjectId, UserId, WebhookId};
use crate::model::instance::InstanceKey;
use crate::model::name::{BranchName, CommitId, EnvironmentName, Slug, Username};
use crate::model::origin::Origin;
use crate::model::time::now;
use crate::model::webhook::{
    DeploymentFacts, EnvironmentFacts, Event, EventKind, InstanceFacts, ProjectFacts,
};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::{deployments, environments, projects, users, webhooks};
use crate::store::types::Json;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Something that happens to an environment.
pub(super) struct Happening {
    environment: EnvironmentId,
    kind: EventKind,
    deployment: Option<DeploymentFacts>,
    instance: Option<InstanceFacts>,
    edits: Vec<ConfigEdit>,
    author: Option<UserId>,
    reason: Option<String>,
}

impl Happening {
    /// Something of which there is nothing more to say.
    pub(super) const fn new(environment: EnvironmentId, kind: EventKind) -> Self {
        let (deployment, instance, author, reason) = (None, None, None, None);
        Self { environment, kind, deployment, instance, edits: Vec::new(), author, reason }
    }
}

impl Store {
    /// Notes that an instance has ended by itself; `is_looping` when it does so again and again. An environment that has
    /// gone is no error.
    pub async fn note_crash(
        &self,
        key: &InstanceKey,
        instance: InstanceFacts,
        is_looping: bool,
    ) -> Result<(), StoreError> {
        let kind = if is_looping { EventKind::InstanceCrashLooping } else { EventKind::InstanceCrashed };
        self.transaction(async |connection| {
            let deployment = facts_of(connection, key.deployment_id).await?.map(|found| found.facts);
            let happening = Happening {
                deployment,
                instance: Some(instance),
                ..Happening::new(key.environment_id, kind)
            };
            note(connection, happening).await
        })
        .await
    }
}

/// Notes that a deployment has come into a state, where that is told.
pub(super) async fn note_move(
    connection: &mut Connection,
    id: DeploymentId,
    to: DeploymentState,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    // Whatever has started it.
    if EventKind::of_move(to, DeploymentSource::Push).is_none() {
        return Ok(());
    }
    let Some(found) = facts_of(connection, id).await? else { return Ok(()) };
    let Some(kind) = EventKind::of_move(to, found.facts.source) else { return Ok(()) };
    let because = found.options.automatic.map(|automatic| automatic.why);
    let happening = Happening {
        deployment: Some(found.facts),
        author: found.author,
        reason: reason.map(str::to_owned).or(because),
        ..Happening::new(found.environment, kind)
    };
    note(connection, happening).await
}

/// Notes that the config of an environment was changed.
pub(super) async fn note_edits(
    connection: &mut Connection,
    environment: EnvironmentId,
    author: Option<UserId>,
    edits: &[ConfigEdit],
) -> Result<(), StoreError> {
    let edits = edits.iter().take(Event::MOST_EDITS).cloned().collect();
    let happening = Happening { edits, author, ..Happening::new(environment, EventKind::ConfigChanged) };
    note(connection, happening).await
}

/// Notes that a webhook is told nothing any more, for the others of its project.
pub(super) async fn note_disabled(
    connection: &mut Connection,
    id: WebhookId,
    reason: &str,
) -> Result<(), StoreError> {
    type Place = (ProjectId, Slug, String, String);
    let place: Option<Place> = on!(connection, |c| webhooks::table
        .inner_join(projects::table.on(projects::id.eq(webhooks::project_id)))
        .filter(webhooks::id.eq(id))
        .select((projects::id, projects::slug, projects::name, webhooks::target))
        .first(c)
        .await
        .optional())?;
    let Some((project_id, slug, name, target)) = place else { return Ok(()) };
    let listening = listening(connection, project_id, EventKind::WebhookDisabled).await?;
    let event = Event {
        id: EventId::generate(),
        kind: EventKind::WebhookDisabled,
        at: now(),
        project: ProjectFacts { id: project_id, slug, name },
        environment: None,
        deployment: None,
        instance: None,
        edits: Vec::new(),
        author: None,
        reason: Some(shortened(format!("{target} is told nothing any more. {reason}"))),
    };
    for (webhook, _) in listening {
        deliveries::insert(connection, webhook, event.clone()).await?;
    }
    Ok(())
}

fn shortened(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(Event::LONGEST_REASON));
    reason
}

/// Writes down what happens for each webhook that is to be told.
pub(super) async fn note(connection: &mut Connection, happening: Happening) -> Result<(), StoreError> {
    type Place = (ProjectId, Slug, String, EnvironmentName);
    let place: Option<Place> = on!(connection, |c| environments::table
        .inner_join(projects::table)
        .filter(environments::id.eq(happening.environment))
        .select((projects::id, projects::slug, projects::name, environments::name))
        .first(c)
        .await
        .optional())?;
    let Some((project_id, slug, name, environment)) = place else { return Ok(()) };
    let mut listening = listening(connection, project_id, happening.kind).await?;
    if listening.is_empty() {
        return Ok(());
    }
    let preview = previews::of_environment(connection, happening.environment).await?;
    if let Some(preview) = &preview {
        // Of providers, the one that the pull request is at.
        listening.retain(|(_, hook)| hook.is_none() || *hook == preview.hook_id);
    }
    let event = Event {
        id: EventId::generate(),
        kind: happening.kind,
        at: now(),
        project: ProjectFacts { id: project_id, slug, name },
        environment: Some(EnvironmentFacts {
            id: happening.environment,
            name: environment,
            pull_request: preview.map(|preview| preview.number),
        }),
        deployment: happening.deployment,
        instance: happening.instance,
        edits: happening.edits,
        author: username(connection, happening.author).await?,
        reason: happening.reason.map(shortened),
    };
    for (webhook, _) in listening {
        deliveries::insert(connection, webhook, event.clone()).await?;
    }
    Ok(())
}

/// The webhooks of a project that are told of a kind of event, each with the connection whose feedback it is; they stay until
/// the transaction has ended.
async fn listening(
    connection: &mut Connection,
    project_id: ProjectId,
    kind: EventKind,
) -> Result<Vec<(WebhookId, Option<HookId>)>, StoreError> {
    type Row = (WebhookId, Option<HookId>, Json<Option<Vec<EventKind>>>);
    let of_project = webhooks::table
        .filter(webhooks::project_id.eq(project_id))
        .filter(webhooks::disabled_at.is_null())
        .order(webhooks::id)
        .select((webhooks::id, webhooks::hook_id, webhooks::events));
    let rows: Vec<Row> = match connection {
        // One that is removed meanwhile would take the transaction with it.
        Connection::Postgres(postgres) => of_project.for_key_share().load(&mut **postgres).await?,
        Connection::Sqlite(sqlite) => of_project.load(&mut **sqlite).await?,
    };
    let wants = |(id, hook, Json(events)): Row| {
        // The provider of a repository is told of what it was told to be live, whatever it was made with.
        let is_gone_there = hook.is_some() && kind == EventKind::EnvironmentDeleted;
        (is_gone_there || events.is_none_or(|events| events.contains(&kind))).then_some((id, hook))
    };
    Ok(rows.into_iter().filter_map(wants).collect())
}

/// What is told of a deployment, and what decides how.
struct Found {
    environment: EnvironmentId,
    author: Option<UserId>,
    options: DeploymentOptions,
    facts: DeploymentFacts,
}

async fn facts_of(connection: &mut Connection, id: DeploymentId) -> Result<Option<Found>, StoreError> {
    type Row = (
        EnvironmentId,
        Option<UserId>,
        Json<DeploymentOptions>,
        Option<i64>,
        CommitId,
        Option<BranchName>,
        DeploymentSource,
    );
    let row: Option<Row> = on!(connection, |c| deployments::table
        .find(id)
        .select((
            deployments::environment_id,
            deployments::author_id,
            deployments::options,
            deployments::version,
            deployments::commit_id,
            deployments::branch,
            deployments::source,
        ))
        .first(c)
        .await
        .optional())?;
    let found = |(environment, author, Json(options), version, commit, branch, source): Row| {
        let commit = commit.is_known().then_some(commit);
        let announced = options.announced.clone();
        // Of what was fetched, the branch that it was fetched as.
        let fetched = match &options.origin {
            Some(Origin::Repository { reference: Some(reference), .. }) => {
                BranchName::from_reference(reference.as_str())
            }
            Some(Origin::Repository { reference: None, .. } | Origin::Upload | Origin::Image { .. })
            | None => None,
        };
        let branch = branch.or(fetched);
        let facts = DeploymentFacts { id, version, commit, announced, branch, source };
        Found { environment, author, options, facts }
    };
    Ok(row.map(found))
}

async fn username(connection: &mut Connection, id: Option<UserId>) -> Result<Option<Username>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    let name = users::table.find(id).select(users::username);
    Ok(on!(connection, |c| name.first(c).await.optional())?)
}
