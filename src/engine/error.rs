//! Why an engine could not do what it was asked for.

use std::time::Duration;

/// What went wrong in an engine. The texts are whole sentences for the operator and, where the app is at fault, for
/// the person who pushed it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No engine answers; trying again later can help.
    #[error("The Docker Engine at {host} does not answer: {reason}. Start it, then try again.")]
    Unavailable { host: String, reason: String },

    /// The image is not in the engine, for example removed by hand.
    #[error("The image {image} does not exist any more. Build it again.")]
    ImageMissing { image: String },

    /// The command could not even be started: no such program, no right to run it.
    #[error("The command `{command}` cannot be started: {reason}.")]
    CannotStart { command: String, reason: String },

    /// The instance or the network that was meant does not exist.
    #[error("{what} does not exist.")]
    NotFound { what: String },

    /// Something still uses it.
    #[error("{what} is still in use.")]
    InUse { what: String },

    /// A command did not end in time and was killed.
    #[error("The command did not end within {} seconds and was stopped.", after.as_secs())]
    TimedOut { after: Duration },

    /// The engine's disk is full.
    #[error("The disk of the Docker Engine is full.")]
    DiskFull,

    /// No more networks fit into the address ranges.
    #[error("The Docker Engine has no free address range for another project's network.")]
    NoAddressRange,

    /// Everything else that the engine refused.
    #[error("The Docker Engine could not {action}: {reason}.")]
    Other { action: &'static str, reason: String },
}
