//! Notifications: what happens to a project, told to where its owner wants it.
//!
//! | file | what |
//! |---|---|
//! | `manage` | the use cases: making, changing, testing and removing webhooks, and telling something again |
//! | `supervise` | what runs: a sender for each webhook that has something to be told, a few at a time |
//! | `sender` | one try, and what follows from how it went |
//! | `schedule` | when a try that has failed is made again, and when no more |
//! | `request`, `chat`, `text` | what is sent, in each format |
//! | `http`, `mail` | one request, one message |
//! | `postage` | how many messages the mail server is given |
//! | `feedback/` | providers of repositories, told what becomes of commits by their own APIs |
//!
//! What is told is written down by `store` in the transaction in which it happens (`store::outbox`), and nothing of it is kept
//! in memory: after a kill it is sent from there, perhaps a second time. Whoever receives it keeps nobody waiting but what
//! waits for the same webhook.

mod chat;
mod feedback;
mod http;
mod mail;
mod manage;
mod postage;
mod request;
mod schedule;
mod sender;
mod supervise;
mod text;

pub use self::feedback::Parting;
pub use self::mail::Mailer;
pub use self::manage::{Tests, WebhookChange, WebhookDraft, WebhookError};
pub use self::schedule::Schedule;

use crate::model::address::PublicAddress;
use crate::outbound::Guard;
use crate::secrets::MasterKey;
use crate::store::Store;
use std::sync::Arc;
use tokio::sync::Notify;

/// What notifications need of the rest of the server.
#[derive(Clone)]
pub struct Notifications {
    pub store: Store,
    pub master_key: MasterKey,
    /// Where events may be sent.
    pub guard: Guard,
    /// Where repositories may be, whose providers are told what becomes of commits.
    pub repository_guard: Guard,
    /// Where the API is reached from outside, without a slash at its end; `None`: nobody is led to it.
    pub api_url: Option<String>,
    /// What the URLs of apps are made of.
    pub address: PublicAddress,
    /// `None`: the server sends no mail.
    pub mailer: Option<Mailer>,
    pub schedule: Schedule,
    pub tests: Arc<Tests>,
    /// Says that there is something to be told.
    pub changed: Arc<Notify>,
}
