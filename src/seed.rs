//! Something to look at, for who develops Gilgal: accounts, projects, environments, config vars, deployments with logs, API keys.
//!
//! Nothing of it is live, since there are no images: what was deployed has failed or was cancelled. No
//! password is in the program: each is made up and given out once.

use crate::auth::accounts::{AccountError, Accounts, SignUp};
use crate::auth::api_keys::KeyDraft;
use crate::auth::origin::Origin;
use crate::config::Registration;
use crate::model::config::seal_purpose;
use crate::model::config_file::{ConfigEdit, ConfigKind, Edit};
use crate::model::deployment::{
    Deployment, DeploymentEvent, DeploymentOptions, DeploymentRecord, DeploymentSource, DeploymentState, Step,
};
use crate::model::environment::{ConfigScope, ConfigVar, Environment, EnvironmentSettings};
use crate::model::id::DeploymentId;
use crate::model::log::{Level, LogLine, NewLine, Stream};
use crate::model::name::{CommitId, Slug};
use crate::model::project::Project;
use crate::model::scope::Scope;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::model::user::User;
use crate::secrets::MasterKey;
use crate::store::{ConfigurationUpdate, NewDeployment, NewEnvironment, NewProject, Store, StoreError};
use std::net::Ipv4Addr;

/// A mistake of this file: its own names are not valid, or its own moves are not allowed.
const WRONG: &str = "the names and the moves of the seed are valid";

/// Why nothing, or not everything, was made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("the database has accounts already. To add to them all the same: gilgal db seed --add")]
    NotEmpty,
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account that was made.
#[derive(Debug)]
pub struct Seeded {
    pub user: User,
    pub password: Secret<String>,
    pub api_key: Secret<String>,
    pub project: Slug,
}

/// Fills a database: two accounts with a project each, or two more where `add` says that there may be some.
///
/// # Errors
/// [`SeedError::NotEmpty`] when there are accounts and `add` does not say that there may be.
pub async fn seed(store: &Store, master_key: MasterKey, add: bool) -> Result<Vec<Seeded>, SeedError> {
    let known = store.count_users().await?;
    if known > 0 && !add {
        return Err(SeedError::NotEmpty);
    }
    let accounts = Accounts::open(store.clone(), master_key.clone(), Registration::Open).await?;
    let mut made = Vec::new();
    for (name, project) in [("ada", "shop"), ("grace", "blog")] {
        // Another name where this one may be taken.
        let suffix = if known == 0 { String::new() } else { format!("-{}", random()) };
        let (name, project) = (format!("{name}{suffix}"), format!("{project}{suffix}"));
        made.push(Box::pin(account((store, &accounts, &master_key), &name, &project)).await?);
    }
    Ok(made)
}

async fn account(
    (store, accounts, master_key): (&Store, &Accounts, &MasterKey),
    name: &str,
    project: &str,
) -> Result<Seeded, SeedError> {
    let password = random() + &random() + &random();
    let sign_up = SignUp {
        email: format!("{name}@example.com").parse().expect(WRONG),
        username: name.parse().expect(WRONG),
        password: password.parse().expect(WRONG),
        invitation: None,
    };
    let origin = Origin { peer: Ipv4Addr::LOCALHOST.into(), local: true };
    let user = accounts.register(sign_up, origin).await?;
    let title = "development".parse().expect(WRONG);
    let draft = KeyDraft { title, scopes: vec![Scope::Admin], expires_at: None };
    let (_, api_key) = accounts.create_api_key(user.id, draft).await?;
    let slug: Slug = project.parse().expect(WRONG);
    let new =
        NewProject { owner_id: user.id, name: project.to_owned(), slug: slug.clone(), at_most: u32::MAX };
    let (project, production) = store.create_project(new, EnvironmentSettings::default()).await?;
    Box::pin(deployments(store, &user, &production)).await?;
    Box::pin(staging(store, master_key, &user, project)).await?;
    Ok(Seeded { user, password: Secret::new(password), api_key, project: slug })
}

/// An environment that follows a branch of its own, with a config var and a secret.
async fn staging(
    store: &Store,
    master_key: &MasterKey,
    user: &User,
    project: Project,
) -> Result<(), SeedError> {
    let new = NewEnvironment {
        project_id: project.id,
        slug: project.slug,
        name: "staging".parse().expect(WRONG),
        branch: Some("dev".parse().expect(WRONG)),
        settings: EnvironmentSettings::default(),
        preview: None,
        at_most: u32::MAX,
    };
    let environment = store.create_environment(new).await?.id;
    let purpose = seal_purpose(environment);
    let mut update = ConfigurationUpdate { author: Some(user.id), ..ConfigurationUpdate::default() };
    for (name, value, secret) in [("LOG_LEVEL", "debug".to_owned(), false), ("SESSION_KEY", random(), true)] {
        let edit = ConfigEdit { kind: ConfigKind::Variable, name: name.to_owned(), edit: Edit::Added };
        update.edits.push(edit);
        update.set.push(ConfigVar {
            name: name.parse().expect(WRONG),
            sealed_value: master_key.seal(&purpose, &Secret::new(value)),
            scope: ConfigScope::Runtime,
            secret,
            previews: false,
            updated_at: now(),
        });
    }
    store.change_configuration(environment, |_| Ok::<_, StoreError>((update, ()))).await?.map_err(Into::into)
}

/// One that failed in its build, one that was cancelled, one that failed in its check.
async fn deployments(store: &Store, user: &User, environment: &Environment) -> Result<(), SeedError> {
    let built = [
        (Step::Fetch, Stream::Step, Level::Info, "Deploying to production"),
        (Step::Detect, Stream::Step, Level::Info, "Node.js app detected"),
        (Step::Build, Stream::Step, Level::Info, "Building image"),
        (Step::Build, Stream::Build, Level::Info, "RUN npm ci"),
        (Step::Build, Stream::Build, Level::Error, "npm error code E404"),
        (Step::Build, Stream::Notice, Level::Error, "npm ci failed with exit code 1."),
    ];
    let to_build = [DeploymentState::Fetching, DeploymentState::Detecting, DeploymentState::Building];
    let first = queued(store, user, environment, 'a').await?;
    log(store, first.id, &built).await?;
    fail(store, &first, &to_build, "npm ci failed with exit code 1.").await?;

    let cancelled = queued(store, user, environment, 'b').await?;
    log(store, cancelled.id, &[(Step::Queue, Stream::Step, Level::Info, "Waiting for its turn")]).await?;
    store.request_cancel(cancelled.id).await?;

    let checked = [
        (Step::Fetch, Stream::Step, Level::Info, "Deploying to production"),
        (Step::Start, Stream::Step, Level::Info, "Starting web"),
        (Step::Check, Stream::App, Level::Info, "listening on 127.0.0.1:3000"),
        (Step::Check, Stream::Notice, Level::Error, "web listens on 127.0.0.1 only."),
    ];
    let to_check = [DeploymentState::Releasing, DeploymentState::Starting, DeploymentState::Checking];
    let last = queued(store, user, environment, 'c').await?;
    log(store, last.id, &checked).await?;
    fail(store, &last, &[&to_build[..], &to_check[..]].concat(), "web listens on 127.0.0.1 only.").await
}

/// Lets a deployment go through some states, and fail in the last one.
async fn fail(
    store: &Store,
    deployment: &Deployment,
    reached: &[DeploymentState],
    reason: &str,
) -> Result<(), SeedError> {
    let mut state = deployment.state;
    for next in reached {
        store.advance_deployment(deployment.id, state, *next, &DeploymentRecord::default(), None).await?;
        state = *next;
    }
    for event in [DeploymentEvent::Failed, DeploymentEvent::Undone] {
        let next = state.next(event).expect(WRONG);
        store.finish_deployment(deployment.id, state, next, None, Some(reason)).await?;
        state = next;
    }
    Ok(())
}

async fn queued(
    store: &Store,
    user: &User,
    environment: &Environment,
    digit: char,
) -> Result<Deployment, SeedError> {
    let commit: CommitId = String::from_iter([digit; 40]).parse().expect(WRONG);
    let new = NewDeployment {
        id: DeploymentId::generate(),
        project_id: environment.project_id,
        environment_id: environment.id,
        commit,
        branch: environment.branch.clone(),
        previous_commit: None,
        author: Some(user.id),
        source: DeploymentSource::Push,
        options: DeploymentOptions::default(),
    };
    Ok(store.enqueue_deployment(new, "A newer push took its place.").await?.deployment)
}

async fn log(
    store: &Store,
    id: DeploymentId,
    lines: &[(Step, Stream, Level, &str)],
) -> Result<(), SeedError> {
    let line = |(seq, (step, stream, level, text)): (i64, &(Step, Stream, Level, &str))| {
        let (step, stream, level) = (*step, *stream, *level);
        LogLine { seq, line: NewLine { at: now(), level, step, stream, text: (*text).to_owned() } }
    };
    let lines: Vec<_> = (1..).zip(lines).map(line).collect();
    Ok(store.append_log(id, &lines).await?)
}

/// Eight random digits and letters.
fn random() -> String {
    hex::encode(rand::random::<[u8; 4]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DeploymentFilter, PageRequest, Presence};

    #[tokio::test(flavor = "multi_thread")]
    async fn an_empty_database_is_filled_and_another_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::connect(&format!("sqlite://{}/gilgal.db", folder.path().display())).await.unwrap();
        store.migrate().await.unwrap();
        let key = MasterKey::from_bytes([7; 32]);
        let made = Box::pin(seed(&store, key.clone(), false)).await.unwrap();
        assert_eq!(made.len(), 2);
        assert_ne!(made[0].password, made[1].password);
        assert_eq!(
            store.projects_of(None, Presence::There, PageRequest::first()).await.unwrap().data.len(),
            2
        );
        for seeded in &made {
            let project = store.project_by_slug(&seeded.project).await.unwrap().unwrap();
            let all = store
                .deployments_of(project.id, &DeploymentFilter::default(), PageRequest::first())
                .await
                .unwrap();
            assert_eq!(all.data.len(), 3);
            assert!(all.data.iter().all(|deployment| deployment.state.is_final()), "nothing runs at a start");
            let environments = store.environments_of(project.id).await.unwrap();
            let [production, staging] = environments.as_slice() else { panic!("{environments:?}") };
            assert_eq!((production.name.as_str(), staging.name.as_str()), ("production", "staging"));
            assert_ne!(production.branch, staging.branch);
            let variables = store.config_vars(staging.id).await.unwrap();
            let [level, secret] = variables.as_slice() else { panic!("{variables:?}") };
            assert_eq!((level.name.as_str(), secret.secret), ("LOG_LEVEL", true));
            let opened = key.open(&seal_purpose(staging.id), &level.sealed_value).unwrap();
            assert_eq!(opened.expose(), "debug");
        }
        assert!(matches!(Box::pin(seed(&store, key.clone(), false)).await, Err(SeedError::NotEmpty)));
        Box::pin(seed(&store, key, true)).await.unwrap();
        assert_eq!(store.count_users().await.unwrap(), 4);
    }
}
