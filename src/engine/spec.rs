//! What an engine is given and what it answers, as plain data.

use crate::model::id::ProjectId;
use crate::model::instance::InstanceKey;
use crate::model::name::{FilePath, Slug, VolumeName};
use crate::model::process::{Command, Limits, StopSignal};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::volume::Mount;
use std::collections::BTreeMap;

/// Everything about an instance that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSpec {
    pub key: InstanceKey,
    /// Tells an instance from another one of the same key that it is to replace; 0 for the first.
    pub generation: u32,
    /// Id (`sha256:…`) or name of an image that the engine has; nothing is pulled.
    pub image: String,
    pub command: Command,
    /// By which it is told to end; `None`: as the image says.
    pub stop_signal: Option<StopSignal>,
    /// Config vars. `PORT` is set by the engine and wins over one of these.
    pub environment: Vec<(String, Secret<String>)>,
    /// Files that are there when the instance starts, by path: root's, readable for everybody, writable for nobody.
    pub files: Vec<(FilePath, Secret<String>)>,
    /// Volumes of its environment, made where they are not there.
    pub volumes: BTreeMap<VolumeName, Mount>,
    /// The port that the instance is told to listen on.
    pub port: u16,
    pub limits: Limits,
    /// The project's, for names that people see.
    pub slug: Slug,
}

/// An image that was built for a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineImage {
    /// `sha256:…`, as a release names it; of one that was pulled and never built on, its name.
    pub id: String,
    pub project_id: ProjectId,
    /// With its base, which other images may share.
    pub bytes: u64,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    /// The exit code; 128 + signal where a signal ended it.
    pub code: i64,
    /// The kernel killed it for exceeding its memory limit.
    pub out_of_memory: bool,
}

/// One line that an instance printed, without its end of line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    pub stream: OutputStream,
    /// When it was printed, where that was asked for and is known.
    pub at: Option<Timestamp>,
    pub text: String,
}

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    Stdout,
    Stderr,
}

/// Which part of what an instance prints is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogPart {
    /// Go on with what it prints until it ends.
    pub follow: bool,
    /// Tell when each line was printed.
    pub timed: bool,
    /// Nothing that was printed before; exact to the second.
    pub since: Option<Timestamp>,
    /// At most so many of the lines that were printed already, the last ones.
    pub tail: Option<u32>,
}

/// How an instance has lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// When it was started last, or has ended.
    pub since: Option<Timestamp>,
    /// How often the engine has started it again after it had ended.
    pub restarts: u32,
    /// It has ended, and the engine is about to start it again.
    pub is_restarting: bool,
}

/// Who an engine is and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// `20.10.24`.
    pub version: String,
    /// The API version that was agreed on: `1.41`.
    pub api_version: String,
    /// Version of runc, where the engine tells: security notices are about it.
    pub runc_version: Option<String>,
    /// Whether it can build with BuildKit.
    pub buildkit: bool,
    /// Whether it runs without root, which changes what can be limited.
    pub rootless: bool,
    /// Whether memory, CPU and pids limits take effect.
    pub limits: bool,
    /// Folder with its images and containers, for a look at the free space. On the engine's machine.
    pub data_directory: String,
    /// CPUs and bytes of memory of its machine.
    pub cpus: u32,
    pub memory_bytes: u64,
}
