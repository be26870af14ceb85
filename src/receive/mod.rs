//! From a push to a queued deployment, and the report that the pusher sees.
//!
//! git runs three hooks; each is this same program ([`hook`]), which asks the server over a unix socket ([`socket`]):
//! `pre-receive` decides whether the push may begin ([`policy`]), `proc-receive` decides each branch ([`branches`]):
//! it queues a deployment, shows its log, and answers only when the outcome is known. `post-receive` only tells.
//! A deployment is durable: the connection watches it and does not carry it. Nothing here deploys.

mod branches;
mod follow;
pub mod hook;
mod options;
pub(crate) mod packet;
mod policy;
mod protocol;
mod pushes;
mod relevance;
mod socket;

pub use protocol::HookName;
pub(crate) use protocol::MAX_OPTIONS;
pub use pushes::{Push, PushGuard, Pushes};
pub use socket::{BoundSocket, SocketError, bind};

use crate::buildpack::Catalog;
use crate::deployments::Deployments;
use crate::engine::Engine;
use crate::journal::Journal;
use crate::model::address::PublicAddress;
use crate::model::report;
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// What receiving a push needs of the rest of the server.
pub struct Receiver {
    pub store: Store,
    pub journal: Journal,
    pub deployments: Deployments,
    pub catalog: Arc<Catalog>,
    pub engine: Arc<dyn Engine>,
    pub pushes: Pushes,
    /// Branches, tags and notes that a repository may have.
    pub max_references: usize,
    /// For the commands that people are told to type.
    pub address: PublicAddress,
}

/// How long a push waits for a database that is away before it is refused.
const PATIENCE: Duration = Duration::from_secs(15);

impl Receiver {
    /// Asks the database again while it is away for a moment.
    async fn patiently<T, Answer>(&self, ask: impl FnMut() -> Answer) -> Result<T, StoreError>
    where
        Answer: Future<Output = Result<T, StoreError>>,
    {
        crate::store::patiently(PATIENCE, ask).await
    }
}

/// Shows lines to the pusher. A pusher that is gone is not an error: the hang-up is noticed elsewhere.
struct Terminal {
    lines: tokio::sync::mpsc::Sender<protocol::HookReply>,
    colour: report::Colour,
}

impl Terminal {
    async fn show(&self, stream: crate::model::log::Stream, text: &str) {
        for line in text.lines() {
            // Fails only when the hook is gone.
            self.lines.send(protocol::HookReply::Line(report::render(stream, line, self.colour))).await.ok();
        }
    }

    async fn notice(&self, text: &str) {
        self.show(crate::model::log::Stream::Notice, text).await;
    }

    async fn detail(&self, text: &str) {
        self.show(crate::model::log::Stream::Detail, text).await;
    }
}
