//! What the API is given of the parts that it does not know.

use crate::api::{ApiOptions, Check, LogFollower, Readiness, RequestLimits};
use crate::buildpack::Catalog;
use crate::config::{Room, Settings};
use crate::engine::Engine;
use crate::journal::{Journal, Next, Piece};
use crate::model::address::PublicAddress;
use crate::model::id::DeploymentId;
use crate::store::Store;
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::sync::Arc;
use std::time::Duration;

/// How long each thing may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the API is told about its surroundings.
#[must_use]
pub fn api_options(settings: &Settings, address: PublicAddress, catalog: &Catalog) -> ApiOptions {
    ApiOptions {
        mode: settings.mode,
        address,
        max_projects: settings.max_projects,
        undo_of_deletion: settings.undo_of_deletion,
        request_limits: RequestLimits {
            per_peer: settings.api_requests_per_peer,
            per_account: settings.api_requests_per_account,
        },
        trusted_proxies: settings.trusted_proxies.clone(),
        cors_origins: settings.cors_origins.clone(),
        maxima: settings.instance_maxima,
        public_prefixes: catalog.public_prefixes(),
    }
}

/// Reads logs from the journal.
pub struct Follower(pub Journal);

impl LogFollower for Follower {
    fn follow(&self, deployment: DeploymentId, after: i64) -> BoxStream<'static, Arc<Piece>> {
        let reader = self.0.read(deployment, after);
        stream::unfold(reader, |mut reader| async move {
            match reader.next().await {
                Ok(Next::Lines(piece)) => Some((piece, reader)),
                Ok(Next::End(_)) => None,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a log cannot be followed");
                    None
                }
            }
        })
        .boxed()
    }
}

/// Asks everything that the server needs.
pub struct Needs {
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    pub room: Room,
}

#[async_trait]
impl Readiness for Needs {
    async fn check(&self) -> Vec<Check> {
        let (database, engine) = tokio::join!(
            tokio::time::timeout(PATIENCE, self.store.ping()),
            tokio::time::timeout(PATIENCE, self.engine.info())
        );
        let database = match database {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err("The database does not answer.".to_owned()),
        };
        let engine = match engine {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err("The Docker Engine does not answer.".to_owned()),
        };
        let disk =
            self.room.check().map(drop).map_err(|_| "The disk of the server is nearly full.".to_owned());
        vec![
            Check { name: "database", outcome: database },
            Check { name: "engine", outcome: engine },
            Check { name: "disk", outcome: disk },
        ]
    }
}
