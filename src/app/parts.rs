//! What the server is built of, made from the settings.

use super::StartError;
use crate::build::{Builder, DockerBuilder, DockerBuilderOptions};
use crate::buildpack::Catalog;
use crate::config::{Home, NotificationSettings, Settings};
use crate::drains::Drains;
use crate::engine::{DockerEngine, DockerOptions, Engine};
use crate::model::address::PublicAddress;
use crate::notifications::{Mailer, Notifications, Schedule};
use crate::outbound::Guard;
use crate::secrets::MasterKey;
use crate::store::{ClaimError, LockError, ServerLock, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// How long a start waits before it asks a database again that does not answer.
const DATABASE_PAUSE: Duration = Duration::from_secs(2);

/// The engine that runs instances and the builder that makes images. Docker is the only one so far.
pub(super) fn engine(settings: &Settings, home: &Home) -> (Arc<dyn Engine>, Arc<dyn Builder>) {
    let (server_id, host) = (home.server_id(), Some(settings.docker_host.clone()));
    let engine = DockerEngine::connect(DockerOptions { server_id, host: host.clone() });
    let builder = DockerBuilder::connect(DockerBuilderOptions {
        server_id,
        host,
        least_free_bytes: settings.disk.least_free_for_builds_bytes,
        begun_pulls: Some(home.begun_pulls()),
    });
    (Arc::new(engine), Arc::new(builder))
}

/// What sends the output of apps elsewhere.
pub(super) fn drains(
    settings: &Settings,
    store: &Store,
    engine: &Arc<dyn Engine>,
    master_key: &MasterKey,
) -> Drains {
    Drains {
        store: store.clone(),
        engine: Arc::clone(engine),
        master_key: master_key.clone(),
        guard: Guard::new(settings.drain_networks.clone()),
        host: settings.base_domain.clone(),
        changed: Arc::default(),
    }
}

/// What tells others what happens.
///
/// # Errors
/// When the settings of mail are wrong.
pub(super) fn notifications(
    settings: &Settings,
    store: &Store,
    master_key: &MasterKey,
    address: &PublicAddress,
) -> Result<Notifications, StartError> {
    let NotificationSettings { allow_networks, smtp_url, mail_from, api_url } = &settings.notifications;
    let from = mail_from.clone().unwrap_or_else(|| format!("Gilgal <gilgal@{}>", settings.base_domain));
    let mailer =
        smtp_url.as_ref().map(|url| Mailer::new(url, &from)).transpose().map_err(StartError::Mail)?;
    Ok(Notifications {
        store: store.clone(),
        master_key: master_key.clone(),
        guard: Guard::new(allow_networks.clone()),
        repository_guard: Guard::new(settings.fetch.allow_networks.clone()),
        api_url: api_url.clone(),
        address: address.clone(),
        mailer,
        schedule: Schedule::default(),
        tests: Arc::default(),
        changed: Arc::default(),
    })
}

/// The buildpacks, with the operator's own. One that is wrong takes nothing else down: it is named, and not used.
pub(super) fn catalog(home: &Home) -> Catalog {
    let (catalog, broken) = Catalog::with_own(&home.buildpacks());
    for pack in broken {
        tracing::error!(
            buildpack = pack.name,
            error = &pack.error as &dyn std::error::Error,
            "a buildpack of the home is not used"
        );
    }
    catalog
}

/// Says in the log when no engine answers at the start: nothing can be deployed until one does.
pub(super) async fn warn_unless_it_answers(engine: Arc<dyn Engine>) {
    if let Err(error) = engine.info().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the engine does not answer: nothing can be deployed until it does"
        );
    }
}

/// The database, migrated, and the right to be its only server. Waits for a database that does not answer.
pub(super) async fn open_store(settings: &Settings, home: &Home) -> Result<(ServerLock, Store), StartError> {
    let url = settings.database_url.expose();
    loop {
        let opened = async {
            let store = Store::connect(url).await?;
            let lock = ServerLock::take(url).await?;
            store.refuse_foreign(home.server_id()).await?;
            store.migrate().await?;
            Ok::<_, StartError>((lock, store))
        };
        match opened.await {
            Ok(opened) => return Ok(opened),
            Err(
                error @ (StartError::Store(StoreError::Unavailable(_))
                | StartError::Claim(ClaimError::Store(StoreError::Unavailable(_)))
                | StartError::Lock(LockError::Unavailable(_))),
            ) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the database does not answer; the apps are served meanwhile"
                );
                tokio::time::sleep(DATABASE_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
