//! Databases to test on, and rows to test with.

use crate::postgres::Postgres;
use gilgal::model::deployment::{
    Deployment, DeploymentOptions, DeploymentRecord, DeploymentSource, DeploymentState as State,
};
use gilgal::model::environment::{Environment, EnvironmentSettings};
use gilgal::model::id::{DeploymentId, UserId};
use gilgal::model::name::{BranchName, CommitId};
use gilgal::model::project::Project;
use gilgal::model::secret::Secret;
use gilgal::model::session::LoginSession;
use gilgal::model::user::User;
use gilgal::store::{Enqueued, NewDeployment, NewProject, NewUser, PageRequest, Store};
use std::convert::Infallible;
use tempfile::TempDir;

/// An empty database of the newest schema.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) server: Server,
}

/// What holds a database; it goes with it.
#[expect(dead_code, reason = "held for as long as the database is used")]
pub(crate) enum Server {
    Sqlite(TempDir),
    Postgres(Postgres),
}

impl Database {
    /// A SQLite file.
    pub(crate) async fn sqlite() -> Self {
        let place = TempDir::new().unwrap();
        let url = format!("sqlite://{}/gilgal.db", place.path().display());
        Self::migrated(url, Server::Sqlite(place)).await
    }

    /// A PostgreSQL cluster.
    pub(crate) async fn postgres() -> Self {
        let cluster = Postgres::start();
        Self::migrated(cluster.url(), Server::Postgres(cluster)).await
    }

    async fn migrated(url: String, server: Server) -> Self {
        let store = Store::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, url, server }
    }
}

/// Makes two tests of each function that takes a [`Database`]: `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::fixture::Database;

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name(Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                super::$name(Database::postgres().await).await;
            }
        }
    )+};
}
pub(crate) use on_both;

/// An account to make, called `name`.
pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        email: format!("{name}@example.com").parse().unwrap(),
        username: name.parse().unwrap(),
        password_hash: Secret::new(format!("hash of {name}")),
    }
}

/// An account called `name`.
pub(crate) async fn user(store: &Store, name: &str) -> User {
    store.create_user(new_user(name)).await.unwrap()
}

/// The newest logins of an account that go on.
pub(crate) async fn sessions_of(store: &Store, user_id: UserId) -> Vec<LoginSession> {
    store.sessions_of(user_id, PageRequest::first()).await.unwrap().data
}

/// A project of an account, with its production environment.
pub(crate) async fn project(store: &Store, owner: &User, slug: &str) -> (Project, Environment) {
    let (name, slug) = (slug.to_uppercase(), slug.parse().unwrap());
    let new = NewProject { owner_id: owner.id, name, slug, at_most: u32::MAX };
    store.create_project(new, EnvironmentSettings::default()).await.unwrap()
}

/// A commit id made of one digit.
pub(crate) fn commit(digit: char) -> CommitId {
    String::from_iter([digit; 40]).parse().unwrap()
}

/// A deployment to make, as a push does.
pub(crate) fn new_deployment(environment: &Environment, digit: char) -> NewDeployment {
    NewDeployment {
        id: DeploymentId::generate(),
        project_id: environment.project_id,
        environment_id: environment.id,
        commit: commit(digit),
        branch: environment.branch.clone(),
        previous_commit: None,
        author: None,
        source: DeploymentSource::Push,
        options: DeploymentOptions { move_branch: true, ..DeploymentOptions::default() },
    }
}

/// A deployment that waits.
pub(crate) async fn enqueue(store: &Store, environment: &Environment, digit: char) -> Enqueued {
    store.enqueue_deployment(new_deployment(environment, digit), "a newer one came").await.unwrap()
}

/// Moves a deployment that waits through the steps until it has reached a state.
pub(crate) async fn advance_to(store: &Store, deployment: &Deployment, to: State) {
    use gilgal::model::deployment::DeploymentEvent::Advanced;
    let mut state = store.deployment(deployment.id).await.unwrap().state;
    while state != to {
        let next = state.next(Advanced).unwrap();
        store
            .advance_deployment(deployment.id, state, next, &DeploymentRecord::default(), None)
            .await
            .unwrap();
        state = next;
    }
}

/// Sets the branch and the settings of an environment, and gives it as it is then.
pub(crate) async fn configure(
    store: &Store,
    environment: &Environment,
    branch: Option<BranchName>,
    settings: &EnvironmentSettings,
) -> Environment {
    let slug = store.project(environment.project_id).await.unwrap().slug;
    let changed = store.change_environment(environment.id, &slug, |now| {
        Ok::<_, Infallible>(Environment { branch, settings: settings.clone(), ..now.clone() })
    });
    changed.await.unwrap().unwrap()
}
