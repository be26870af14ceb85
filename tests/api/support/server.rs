//! The server under test.

use super::Client;
use async_trait::async_trait;
use diesel::Connection;
use diesel::connection::SimpleConnection;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use gilgal::api::{Api, ApiOptions, Check, LogFollower, Ports, Readiness, RequestLimits, bind};
use gilgal::auth::accounts::Accounts;
use gilgal::config::{Mode, Registration, Room};
use gilgal::deployments::{Deployments, Uploads};
use gilgal::drains::Drains;
use gilgal::engine::{DockerEngine, DockerOptions};
use gilgal::git::Repositories;
use gilgal::hooks::Hooks;
use gilgal::jobs::{BuildTurns, Extras, Interrupts, Queue};
use gilgal::journal::{Journal, Piece};
use gilgal::model::address::PublicAddress;
use gilgal::model::environment::Environment;
use gilgal::model::id::{DeploymentId, ServerId};
use gilgal::model::one_off::OneOffs;
use gilgal::model::process::Maxima;
use gilgal::model::project::Project;
use gilgal::model::repository_url::Scheme;
use gilgal::model::vitals::Vitals;
use gilgal::notifications::{Notifications, Schedule};
use gilgal::outbound::{Guard, Outbound};
use gilgal::ports::Follower;
use gilgal::processes::{CronRuns, Processes};
use gilgal::projects::{CleanupError, ProjectCleanup};
use gilgal::secrets::MasterKey;
use gilgal::store::{LogFilter, Store};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How a server differs from the usual one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) registration: Registration,
    pub(crate) connections_per_peer: usize,
    pub(crate) max_projects: u32,
    pub(crate) max_previews: u32,
    /// How long a deleted project can be brought back.
    pub(crate) undo_of_deletion: Duration,
    pub(crate) request_limits: RequestLimits,
    /// `None`: the one of this machine.
    pub(crate) docker_host: Option<&'static str>,
    /// Whether repositories are reached over HTTP, at 127.0.0.2 too.
    pub(crate) has_plain_repositories: bool,
    /// Whether logs are followed in the journal, as those are that somebody writes; or what is stored is given a bit at a
    /// time.
    pub(crate) has_journal: bool,
    /// What has to stay free of the disk.
    pub(crate) least_free_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Production,
            registration: Registration::Open,
            connections_per_peer: usize::MAX,
            max_projects: u32::MAX,
            max_previews: 10,
            undo_of_deletion: Duration::ZERO,
            request_limits: RequestLimits::default(),
            docker_host: None,
            has_plain_repositories: false,
            has_journal: false,
            least_free_bytes: 0,
        }
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) master_key: MasterKey,
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) deployments: Deployments,
    pub(crate) drains: Drains,
    pub(crate) hooks: Hooks,
    /// What tells the webhooks; nothing is told until a test lets it.
    pub(crate) notifications: Notifications,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    directory: tempfile::TempDir,
}

/// The parts behind the API, which note what they are asked to do.
pub(crate) struct Surroundings {
    store: Store,
    journal: Option<Journal>,
    pub(crate) removed: Mutex<Vec<String>>,
    pub(crate) stopped: Mutex<Vec<String>>,
    pub(crate) removing_fails: Mutex<bool>,
    pub(crate) engine: Mutex<Result<(), String>>,
    /// How often they were asked whether they are well.
    pub(crate) checks: AtomicUsize,
}

/// Under which names the server is known.
pub(crate) fn address() -> PublicAddress {
    PublicAddress {
        base_domain: "apps.test".to_owned(),
        http_port: 8080,
        ssh_host: "git.test".to_owned(),
        ssh_port: 2222,
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("gilgal.db").display());
        let store = Store::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let journal = Journal::new(store.clone());
        let surroundings = Arc::new(Surroundings {
            store: store.clone(),
            journal: options.has_journal.then(|| journal.clone()),
            removed: Mutex::default(),
            stopped: Mutex::default(),
            removing_fails: Mutex::default(),
            engine: Mutex::new(Ok(())),
            checks: AtomicUsize::default(),
        });
        let (mut schemes, mut networks) = (vec![Scheme::Https, Scheme::Ssh], Vec::new());
        if options.has_plain_repositories {
            schemes.push(Scheme::Http);
            networks.push("127.0.0.2/32".parse().unwrap());
        }
        let outbound = Outbound { schemes, guard: Guard::new(networks) };
        let deployments = Deployments {
            store: store.clone(),
            repositories: Repositories::new(directory.path().join("repositories")),
            queue: Queue::default(),
            journal,
            interrupts: Interrupts::default(),
            extras: Extras::default(),
            maxima: Maxima { memory_mib: 4096, cpu_millis: 4000, instances: 20 },
            look_again: Arc::default(),
            uploads: Uploads::new(1024 * 1024, Room::new(directory.path(), &url, options.least_free_bytes)),
            outbound: outbound.clone(),
            builds: Arc::new(BuildTurns::new(1)),
        };
        let master_key = MasterKey::from_bytes([7; 32]);
        let processes = Processes {
            store: store.clone(),
            engine: Arc::new(DockerEngine::connect(DockerOptions {
                server_id: ServerId::generate(),
                host: options.docker_host.map(str::to_owned),
            })),
            master_key: master_key.clone(),
            one_offs: OneOffs::default(),
            vitals: Vitals::default(),
            cron_runs: CronRuns::default(),
            longest_run: Duration::from_secs(60),
        };
        let drains = Drains {
            store: store.clone(),
            engine: processes.engine.clone(),
            master_key: master_key.clone(),
            guard: Guard::new(vec!["127.0.0.2/32".parse().unwrap()]),
            host: "apps.test".to_owned(),
            changed: Arc::default(),
        };
        let notifications = Notifications {
            store: store.clone(),
            master_key: master_key.clone(),
            guard: Guard::new(vec!["127.0.0.2/32".parse().unwrap()]),
            repository_guard: outbound.guard,
            api_url: Some("https://api.test".to_owned()),
            address: address(),
            mailer: None,
            schedule: Schedule::default(),
            tests: Arc::default(),
            changed: Arc::default(),
        };
        let hooks = Hooks::new(store.clone(), master_key.clone(), deployments.clone(), options.max_previews);
        let ports = Ports {
            cleanup: surroundings.clone(),
            deployments: deployments.clone(),
            processes,
            drains: drains.clone(),
            hooks: hooks.clone(),
            notifications: notifications.clone(),
            follower: surroundings.clone(),
            readiness: surroundings.clone(),
        };
        let accounts = Accounts::open(store.clone(), master_key.clone(), options.registration).await.unwrap();
        let options_of_api = ApiOptions {
            mode: options.mode,
            address: address(),
            max_projects: options.max_projects,
            undo_of_deletion: options.undo_of_deletion,
            request_limits: options.request_limits,
            trusted_proxies: vec!["127.0.0.3/32".parse().unwrap()],
            cors_origins: vec!["https://dashboard.test".to_owned()],
            maxima: Maxima { memory_mib: 1024, cpu_millis: 4000, instances: 10 },
            public_prefixes: vec!["VITE_".to_owned()],
        };
        let api = Api::new(accounts, store.clone(), master_key.clone(), ports, options_of_api);
        let bound = bind("127.0.0.1:0".parse().unwrap(), options.connections_per_peer).await.unwrap();
        let address = bound.address();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(bound.serve(api, async move { drop(stopped.await) }));
        let (stop, serving) = (Some(stop), Some(serving));
        Self {
            address,
            store,
            master_key,
            surroundings,
            deployments,
            drains,
            hooks,
            notifications,
            stop,
            serving,
            directory,
        }
    }

    /// Where its database is.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Runs a statement that the store has no method for.
    pub(crate) fn execute(&self, statement: &str) {
        let path = self.directory().join("gilgal.db");
        let mut database = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        database.batch_execute(statement).unwrap();
    }

    /// Whether a text is in its database.
    pub(crate) fn database_has(&self, text: &str) -> bool {
        ["gilgal.db", "gilgal.db-wal"].into_iter().any(|file| {
            let kept = std::fs::read(self.directory().join(file)).unwrap_or_default();
            kept.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }

    /// A client that is not logged in.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(self.address, None)
    }

    /// A client with an account of its own. The first one is the operator's.
    pub(crate) async fn sign_up(&self, username: &str) -> Client {
        let client = self.anonymous();
        let email = format!("{username}@example.com");
        let account = json!({ "email": email, "username": username, "password": "correct horse" });
        client.post("/api/auth/register", account).await.expect(201);
        let login = json!({ "email": email, "password": "correct horse" });
        let session = client.post("/api/auth/login", login).await.expect(200);
        Client::new(self.address, Some(session["access_token"].as_str().unwrap().to_owned()))
    }

    /// Makes an account that runs the server too.
    pub(crate) async fn promote(&self, username: &str) {
        self.sign_up(username).await;
        self.execute(&format!("UPDATE users SET role = 'operator' WHERE username = '{username}'"));
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        self.serving.take().unwrap().await.unwrap();
    }
}

#[async_trait]
impl ProjectCleanup for Surroundings {
    async fn remove_everything(&self, project: &Project) -> Result<(), CleanupError> {
        if *self.removing_fails.lock().unwrap() {
            let source = std::io::Error::other("the engine does not answer");
            return Err(CleanupError { what: "the instances", source: Box::new(source) });
        }
        let now = self.store.project(project.id).await.unwrap();
        assert!(now.deletion.is_some(), "a push could begin while the project is removed");
        self.removed.lock().unwrap().push(project.slug.to_string());
        Ok(())
    }

    async fn stop_project(&self, project: &Project) -> Result<(), CleanupError> {
        let now = self.store.project(project.id).await.unwrap();
        assert!(now.deletion.is_some(), "a push could begin while the project is stopped");
        self.stopped.lock().unwrap().push(project.slug.to_string());
        if *self.removing_fails.lock().unwrap() {
            let source = std::io::Error::other("the engine does not answer");
            return Err(CleanupError { what: "the instances", source: Box::new(source) });
        }
        Ok(())
    }

    async fn remove_environment(&self, environment: &Environment) -> Result<(), CleanupError> {
        if *self.removing_fails.lock().unwrap() {
            let source = std::io::Error::other("the engine does not answer");
            return Err(CleanupError { what: "the instances", source: Box::new(source) });
        }
        let now = self.store.environment(environment.id).await.unwrap();
        assert!(now.disabled_at.is_some(), "a push could begin while the environment is removed");
        self.removed.lock().unwrap().push(environment.name.to_string());
        Ok(())
    }

    async fn remove_unused_images(&self) {
        self.removed.lock().unwrap().push("images".to_owned());
    }
}

/// Gives what there is and ends, so that the API must come back for more; unless there is a journal.
impl LogFollower for Surroundings {
    fn follow(&self, deployment: DeploymentId, after: i64) -> BoxStream<'static, Arc<Piece>> {
        if let Some(journal) = &self.journal {
            return Follower(journal.clone()).follow(deployment, after);
        }
        let store = self.store.clone();
        let pieces = async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Of many followers some find no connection to the database.
            Piece::all_of(
                store.log_lines(deployment, after, 100, LogFilter::default()).await.unwrap_or_default(),
            )
        };
        stream::once(pieces).flat_map(stream::iter).boxed()
    }
}

#[async_trait]
impl Readiness for Surroundings {
    async fn check(&self) -> Vec<Check> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let database = self.store.ping().await.map_err(|error| error.to_string());
        let engine = self.engine.lock().unwrap().clone();
        vec![Check { name: "database", outcome: database }, Check { name: "engine", outcome: engine }]
    }
}
