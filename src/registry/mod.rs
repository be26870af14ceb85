//! Images brought to a registry over its own API (the OCI Distribution Specification 1.1), out of the archive that an engine
//! makes of them.
//!
//! The engine could push them itself, but only under a name that the builds of every project see meanwhile, and that a server
//! which is killed leaves behind (`docs/decisions/0160`). So an image has no such name here at any time, this server writes
//! nothing of it to a disk (the engine does), and the addresses that are connected to are those that were judged.
//!
//! Not here: pulling, which is the engine's (`build`), and what is pushed where (`deploy`).

mod archive;
mod challenge;
mod push;
mod session;
#[cfg(test)]
mod tests;

use crate::build::RegistryCredentials;
use crate::model::image::ImageName;
use crate::model::repository_url::Scheme;
use crate::outbound::{Clients, Outbound};
use archive::Blob;
use bytes::Bytes;
use futures_util::Stream;
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

/// How long a connection may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The archive of an image as `docker save` makes it, in pieces.
pub type Archive = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What pushes images.
pub struct Registries {
    clients: Clients,
    /// Whether the operator allows plain HTTP to hosts that are not this machine.
    is_plain_allowed: bool,
    /// What layers were when they were pushed, by what the engine calls them: one that the registry has is not compressed
    /// again to find that out.
    known: Mutex<HashMap<String, Blob>>,
}

/// An image that is to be pushed.
pub struct ImageUpload {
    /// What the registry is to call it: tags of one repository, in this order.
    pub names: Vec<ImageName>,
    pub credentials: Option<RegistryCredentials>,
    pub archive: Archive,
}

/// Why an image was not pushed: a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry does not take the image, or does not answer.
    #[error("The image cannot be pushed as {image}: {reason}.")]
    NotPushed {
        image: String,
        reason: String,
        /// Whether it may take it a moment later.
        is_passing: bool,
    },
    /// The registry wants to know who asks, or does not take the image from them.
    #[error("The registry {host} does not take the image {image}: {reason}.")]
    Refused { image: String, host: String, reason: String },
    /// The engine does not give the image as a whole.
    #[error("The image cannot be read from the Docker Engine: {reason}.")]
    NotRead { reason: String },
    #[error("The image was not pushed within {} seconds (GILGAL_FETCH_TIMEOUT_SECONDS).", after.as_secs())]
    TimedOut { after: Duration },
}

impl RegistryError {
    /// Whether the same may be taken a moment later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::NotPushed { is_passing: true, .. })
    }
}

impl Registries {
    /// What pushes to registries that may be reached.
    #[must_use]
    pub fn new(outbound: &Outbound) -> Self {
        Self {
            clients: Clients::new(&outbound.guard, |client| client.connect_timeout(PATIENCE)),
            is_plain_allowed: outbound.schemes.contains(&Scheme::Http),
            known: Mutex::default(),
        }
    }
}
