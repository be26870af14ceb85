//! A command that somebody talks to.

use crate::engine::OutputStream;
use crate::model::instance::InstanceId;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::any::Any;
use std::io;
use tokio::io::AsyncWrite;

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    pub columns: u16,
    pub rows: u16,
}

/// What a command has printed: of a terminal, both outputs are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOutput {
    pub stream: OutputStream,
    pub bytes: Bytes,
}

/// A command that runs, and both ends of it.
pub struct Attached {
    pub id: InstanceId,
    /// Ends when the command has ended, or with an error when the engine is away.
    pub output: BoxStream<'static, io::Result<SessionOutput>>,
    /// What the command reads; shutting it down is the end of its input.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Removes the command when it is dropped.
    pub container: Box<dyn Any + Send + Sync>,
}
