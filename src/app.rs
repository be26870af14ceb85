//! Every long-lived part, built once; the only place where engines are chosen.

mod parts;

use crate::api::{self, Api, Ports};
use crate::auth::accounts::{AccountError, Accounts};
use crate::build::BuildLimits;
use crate::config::{Home, Room, Settings};
use crate::deploy::{Deployer, Elsewhere, Endings, Failpoints, Liveness, Reconciler, Sleeper, Sleeping};
use crate::deployments::{Deployments, Uploads};
use crate::drains::Drains;
use crate::git::{self, Repositories};
use crate::hooks::Hooks;
use crate::jobs::{BuildTurns, Extras, Interrupts, Queue, Runner};
use crate::journal::Journal;
use crate::model::address::PublicAddress;
use crate::model::one_off::OneOffs;
use crate::model::vitals::Vitals;
use crate::notifications::Notifications;
use crate::outbound::{Guard, Outbound};
use crate::ports::{Follower, Needs, api_options};
use crate::processes::{CronRuns, Processes};
use crate::receive::{self, Pushes, Receiver};
use crate::registry::Registries;
use crate::router::{self, RouterHandle};
use crate::secrets::MasterKey;
use crate::sources::{LargeFiles, Sources};
use crate::ssh::{self, Front, Gits};
use crate::store::{ClaimError, Claimant, LockError, ServerLock, StoreError};
use crate::work::{
    Checks, Crashes, Cron, Housekeeping, HousekeepingError, Previews, Removal, Retention, Watch, Work,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// Every part behind the sockets.
pub struct App {
    pub front: Arc<Front>,
    pub api: Arc<Api>,
    pub receiver: Arc<Receiver>,
    pub reconciler: Reconciler,
    pub liveness: Liveness,
    pub sleeper: Sleeper,
    pub watch: Watch,
    pub cron: Cron,
    pub runner: Runner<Work>,
    pub housekeeping: Housekeeping,
    pub retention: Retention,
    pub removal: Removal,
    pub previews: Previews,
    pub checks: Checks,
    pub drains: Drains,
    pub notifications: Notifications,
    pub crashes: Crashes,
    /// Says when another server has taken the database.
    pub lock: ServerLock,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Home(#[from] crate::config::HomeError),
    #[error(transparent)]
    Key(#[from] crate::secrets::KeyError),
    #[error("{source}. Set GILGAL_HTTP_ADDR to another address, or stop what uses it.")]
    Router { source: router::BindError },
    #[error("{source}. Set GILGAL_SSH_ADDR to another address, or stop what uses it.")]
    Ssh { source: ssh::BindError },
    #[error("{source}. Set GILGAL_API_ADDR to another address, or stop what uses it.")]
    Api { source: api::BindError },
    #[error("a socket that was handed over cannot be used")]
    Received(#[source] std::io::Error),
    #[error(transparent)]
    Hooks(#[from] receive::SocketError),
    #[error("the hook scripts cannot be written")]
    HookScripts(#[source] std::io::Error),
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    #[error("{0}.")]
    Claim(#[from] ClaimError),
    #[error("{0}.")]
    Lock(#[from] LockError),
    #[error("signals cannot be listened for")]
    Signals(#[source] std::io::Error),
    #[error("{0}")]
    Mail(&'static str),
    #[error("the accounts cannot be used")]
    Accounts(#[from] AccountError),
    #[error("the repositories cannot be swept")]
    Repositories(#[from] git::GitError),
    #[error("the repositories cannot be compared with the database")]
    Housekeeping(#[from] HousekeepingError),
}

impl App {
    /// Builds every part. Waits for a database that does not answer yet: the router serves meanwhile.
    ///
    /// # Errors
    /// When the database is newer than this program, or something in the home is broken.
    pub async fn build(
        settings: &Settings,
        home: &Home,
        router: RouterHandle,
        address: PublicAddress,
    ) -> Result<Self, StartError> {
        let master_key = MasterKey::of(home)?;
        let repositories = Repositories::new(home.repositories());
        let (lock, store) = parts::open_store(settings, home).await?;
        let claimant = Claimant {
            server: home.server_id(),
            projects: repositories.projects()?,
            environments: router.routes().into_iter().map(|route| route.environment_id).collect(),
        };
        // Before anything is swept, released or reconciled by what this database says.
        store.claim(&claimant).await?;
        let swept = repositories.sweep(Duration::ZERO)?;
        if swept > 0 {
            tracing::info!(swept, "leftovers of interrupted pushes were removed");
        }
        let housekeeping = Housekeeping {
            store: store.clone(),
            repositories: repositories.clone(),
            audit_age: settings.audit_age,
        };
        housekeeping.put_aside().await?;
        let (engine, builder) = parts::engine(settings, home);
        let retention = Retention {
            store: store.clone(),
            engine: engine.clone(),
            builder: builder.clone(),
            budget: settings.disk,
        };
        // Not waited for: the router serves what runs already, and the rest asks again whenever it needs the engine.
        tokio::spawn(parts::warn_unless_it_answers(engine.clone()));
        let catalog = Arc::new(parts::catalog(home));
        let journal = Journal::new(store.clone());
        let builds = Arc::new(BuildTurns::new(settings.build.at_once));
        let (queue, interrupts, pushes) = (Queue::default(), Interrupts::default(), Pushes::default());
        let (one_offs, vitals, extras) = (OneOffs::default(), Vitals::default(), Extras::default());
        let look_again = Arc::new(Notify::new());
        let room = Room::new(&settings.home, settings.database_url.expose(), settings.disk.least_free_bytes);
        let outbound = Outbound {
            schemes: settings.fetch.schemes.clone(),
            guard: Guard::new(settings.fetch.allow_networks.clone()),
        };
        let deployer = Arc::new(Deployer {
            store: store.clone(),
            journal: journal.clone(),
            repositories: repositories.clone(),
            catalog: catalog.clone(),
            builder,
            engine: engine.clone(),
            router: router.clone(),
            master_key: master_key.clone(),
            interrupts: interrupts.clone(),
            extras: extras.clone(),
            address: address.clone(),
            build_timeout: settings.build.timeout,
            timeout: settings.build.deploy_timeout,
            builds: builds.clone(),
            elsewhere: Elsewhere {
                outbound: outbound.clone(),
                sources: Sources::new(store.clone(), master_key.clone()),
                large_files: LargeFiles::new(&outbound),
                registries: Registries::new(&outbound),
                timeout: settings.fetch.timeout,
                certificates: settings.fetch.certificates.clone(),
                most_bytes: settings.max_push_bytes,
                room: room.clone(),
                ssh_program: home.fetch_ssh(),
            },
            images_kept: settings.disk.images_per_environment,
            maxima: settings.instance_maxima,
            build_limits: BuildLimits {
                memory_mib: settings.build.memory_mib,
                processes: settings.build.processes,
            },
            switching: Arc::new(Mutex::new(())),
            one_offs: one_offs.clone(),
            vitals: vitals.clone(),
            look_again: look_again.clone(),
            left_behind: Notify::new(),
            sleeping: Sleeping::default(),
            endings: Endings::default(),
            failpoints: settings.failpoints.as_deref().map(Failpoints::parse).unwrap_or_default(),
        });
        let deployments = Deployments {
            store: store.clone(),
            repositories: repositories.clone(),
            queue: queue.clone(),
            journal: journal.clone(),
            interrupts,
            extras,
            maxima: settings.instance_maxima,
            look_again,
            uploads: Uploads::new(settings.max_push_bytes, room.clone()),
            outbound,
            builds,
        };
        let processes = Processes {
            store: store.clone(),
            engine: engine.clone(),
            master_key: master_key.clone(),
            one_offs,
            vitals: vitals.clone(),
            cron_runs: CronRuns::default(),
            longest_run: settings.run_time,
        };
        let drains = parts::drains(settings, &store, &engine, &master_key);
        drains.seal().await?;
        let notifications = parts::notifications(settings, &store, &master_key, &address)?;
        let worker = home.server_id().to_string();
        // Nobody else runs this server's jobs: what was running when it ended is to be run again.
        store.release_jobs_of(&worker).await?;
        let interrupted = store.interrupt_cron_runs().await?;
        if interrupted > 0 {
            tracing::warn!(interrupted, "commands of schedules were cut off by the end of the server");
        }

        let accounts = Accounts::open(store.clone(), master_key.clone(), settings.registration).await?;
        let hooks = Hooks::new(store.clone(), master_key.clone(), deployments.clone(), settings.max_previews);
        let ports = Ports {
            cleanup: deployer.clone(),
            deployments: deployments.clone(),
            processes: processes.clone(),
            drains: drains.clone(),
            hooks: hooks.clone(),
            notifications: notifications.clone(),
            follower: Arc::new(Follower(journal.clone())),
            readiness: Arc::new(Needs { store: store.clone(), engine: engine.clone(), room: room.clone() }),
        };
        let api_options = api_options(settings, address.clone(), &catalog);
        let watch = Watch {
            store: store.clone(),
            engine: engine.clone(),
            router: router.clone(),
            deployments: deployments.clone(),
            vitals: vitals.clone(),
        };
        let removal =
            Removal { store: store.clone(), cleanup: deployer.clone(), deployments: deployments.clone() };
        Ok(Self {
            watch,
            removal,
            previews: Previews::new(store.clone(), deployer.clone(), hooks.clone()),
            checks: Checks::new(store.clone(), hooks),
            crashes: Crashes { store: store.clone(), engine: engine.clone(), vitals: vitals.clone() },
            cron: Cron { store: store.clone(), processes: processes.clone() },
            front: Arc::new(Front {
                store: store.clone(),
                journal: journal.clone(),
                deployments: deployments.clone(),
                processes,
                repositories,
                pushes: pushes.clone(),
                gits: Gits::default(),
                hooks: home.hooks(),
                hook_socket: home.hook_socket(),
                executable: settings.executable.clone(),
                max_push_bytes: settings.max_push_bytes,
                room: room.clone(),
                max_projects: settings.max_projects,
                address: address.clone(),
            }),
            api: Api::new(accounts, store.clone(), master_key, ports, api_options),
            receiver: Arc::new(Receiver {
                store: store.clone(),
                journal,
                deployments,
                catalog,
                engine,
                pushes,
                address,
                max_references: settings.max_references,
            }),
            reconciler: Reconciler { deployer: deployer.clone() },
            liveness: Liveness { deployer: deployer.clone() },
            sleeper: Sleeper { deployer: deployer.clone() },
            runner: Runner {
                store,
                queue,
                handler: Arc::new(Work { deployer }),
                worker,
                at_once: settings.deployments_at_once,
            },
            housekeeping,
            retention,
            drains,
            notifications,
            lock,
        })
    }
}
