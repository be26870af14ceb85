//! What a builder is given and what it answers.

use super::BuildLimits;
use crate::model::id::{DeploymentId, ProjectId};
use crate::model::secret::Secret;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A tar archive of the build context, in pieces. An error in it ends the build: half a tree must not become an image.
pub type Context = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// An image as an archive, in pieces.
pub type Export = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// Stands for everything that goes into a build: equal keys mean equal images.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BuildKey(pub String);

impl fmt::Display for BuildKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One build.
pub struct BuildRequest {
    pub project_id: ProjectId,
    pub deployment_id: DeploymentId,
    /// Builds of the same scope share what their commands keep in caches. Letters, digits and dashes.
    pub cache_scope: String,
    /// Tag of the image, `gilgal/<server>/<project>:<tag>`: a secret, since every Dockerfile can name every image of the
    /// engine.
    pub image_tag: String,
    pub key: BuildKey,
    /// What people call an image that the Dockerfile builds on, by what that calls it.
    pub base_names: BTreeMap<String, String>,
    /// Path of the Dockerfile inside the context.
    pub dockerfile_path: String,
    /// The stage that becomes the image; `None`: the last one.
    pub target: Option<String>,
    /// Values for `ARG` lines. No secrets: they stay readable in the image's history.
    pub arguments: BTreeMap<String, String>,
    /// What `RUN --mount=type=secret,id=…` finds, by id.
    pub secrets: BTreeMap<String, Secret<String>>,
    /// Keeps what commands have made with these secrets apart from what they make with others, or for another project:
    /// BuildKit's cache does not know the secrets themselves. Letters, digits and dashes.
    pub secrets_scope: Option<String>,
    pub context: Context,
    /// Run every instruction anew instead of taking its result from the cache.
    pub no_cache: bool,
    /// What each `RUN` may use. Kept where this server is root on the engine's machine, and nowhere else: the engine
    /// itself has no such limits.
    pub limits: Option<BuildLimits>,
    /// When to give up.
    pub timeout: Duration,
    /// More labels for the image, such as `org.opencontainers.image.revision`.
    pub labels: BTreeMap<String, String>,
}

/// An image in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// `sha256:…`
    pub id: String,
    /// All layers together, the base image's included.
    pub size_bytes: u64,
    /// The TCP ports that it exposes.
    pub exposed_ports: Vec<u16>,
}

/// One line of a build, without its end of line. Text from the build is as the build printed it, control characters
/// included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLine {
    pub stream: BuildStream,
    pub text: String,
}

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuildStream {
    /// The builder, about the instruction whose output follows: `RUN npm ci`.
    Step,
    /// The instruction, on its standard output.
    Stdout,
    /// The instruction, on its standard error.
    Stderr,
}

/// A context that remembers its error: an upload that breaks off looks, from the engine's answer, like a lost connection.
pub(super) fn watched(context: Context) -> (Context, Arc<OnceLock<String>>) {
    let seen = Arc::new(OnceLock::new());
    let note = Arc::clone(&seen);
    let context = context.inspect(move |piece| {
        if let Err(error) = piece {
            // The first error is the one that ends the upload.
            let _ = note.set(error.to_string());
        }
    });
    (context.boxed(), seen)
}
