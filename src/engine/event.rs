//! What an engine tells without being asked.

use crate::model::instance::InstanceId;

/// Something that happened to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEvent {
    pub instance: InstanceId,
    pub kind: EngineEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEventKind {
    /// It runs (again); its address may be another one than before.
    Started,
    /// It ended.
    Died {
        /// The exit code; 128 + signal where a signal ended it.
        code: i64,
    },
    /// It does not exist any more.
    Removed,
}
