//! Why there is no image.

use super::limits::MemoryUse;
use std::time::Duration;

/// What went wrong in a build. Most are outcomes for the person who pushed, with the text to show; the last three are
/// the server's trouble.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A `RUN` instruction ended with an exit code other than 0.
    #[error("The command `{command}` failed with exit code {exit_code}.")]
    CommandFailed {
        /// As written in the Dockerfile: `npm ci`.
        command: String,
        exit_code: i64,
        /// The last lines that it printed, oldest first.
        last_lines: Vec<String>,
    },

    /// An instruction other than `RUN` failed, for example `COPY` of a file that is not there.
    #[error("The instruction `{instruction}` failed: {reason}.")]
    InstructionFailed { instruction: String, reason: String },

    /// A command was killed, which during a build only the kernel does when memory runs out, or it said so itself.
    #[error("The command `{command}` ran out of memory{}.", .memory.map(shown).unwrap_or_default())]
    OutOfMemory {
        command: String,
        /// Where it is known.
        memory: Option<MemoryUse>,
        last_lines: Vec<String>,
    },

    /// The build took too long and was cancelled.
    #[error("The build took longer than {} minutes and was stopped.", after.as_secs().div_ceil(60))]
    TimedOut { after: Duration },

    /// The engine's disk has too little room for something to begin.
    #[error(
        "The disk of the Docker Engine is nearly full: {} MiB are left in {folder}, and {what} needs {} MiB \
         (GILGAL_LEAST_FREE_FOR_BUILDS_MIB).", .free_bytes >> 20, .least_bytes >> 20
    )]
    NoRoom { what: &'static str, folder: String, free_bytes: u64, least_bytes: u64 },

    /// The engine's disk is full.
    #[error("The disk of the Docker Engine is full.")]
    DiskFull,

    /// The image of a `FROM` is neither in the engine nor to be had from its registry.
    #[error("The base image {image} cannot be had: {reason}.")]
    BaseImageMissing { image: String, reason: String },

    /// The registry has no such image, or does not answer.
    #[error("The image {image} cannot be pulled: {reason}.")]
    NotPulled { image: String, reason: String },

    /// The registry wants to know who asks, or does not give the image to them.
    #[error("The registry {host} does not give the image {image}: {reason}.")]
    PullRefused { image: String, host: String, reason: String },

    #[error("The image was not pulled within {} seconds (GILGAL_FETCH_TIMEOUT_SECONDS).", after.as_secs())]
    PullTimedOut { after: Duration },

    /// It has `ONBUILD` instructions: alone it is no app.
    #[error("The image {image} is one to build on: it has ONBUILD instructions. Name it in a Dockerfile.")]
    OnlyToBuildOn { image: String },

    /// The Dockerfile cannot be read.
    #[error("The Dockerfile is not valid: {message}.")]
    DockerfileSyntax { message: String },

    /// The context ended with an error, or is not a tar archive.
    #[error("The build context could not be sent: {reason}.")]
    ContextBroken { reason: String },

    /// No engine answers, or it went away during the build; trying again later can help.
    #[error("The Docker Engine at {host} does not answer: {reason}. Start it, then try again.")]
    EngineUnavailable { host: String, reason: String },

    /// The engine is not behind a Unix socket, over which secrets are given to a build.
    #[error(
        "The Docker Engine at {host} is not reached over a Unix socket, so no build variables can be given to it. Set \
         DOCKER_HOST to a socket, or take the scope `build` from the config vars."
    )]
    NoSecrets { host: String },

    /// Everything else that the engine said.
    #[error("The build failed: {message}.")]
    Other { message: String },
}

fn shown(MemoryUse { limit_mib, peak_mib }: MemoryUse) -> String {
    format!(
        ": it may use {limit_mib} MiB (GILGAL_BUILD_MEMORY_MIB), and had used {peak_mib} MiB when it was last looked at"
    )
}
