//! Process types, how many instances of each run, and what each may use.

use crate::model::name::ProcessType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The command of a process type, as an argument vector where it is known to be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Run as it stands, without a shell: signals reach the program.
    Exec(Vec<String>),
    /// A line of a Procfile or of a setting: needs the image's own `/bin/sh` for variables and pipes.
    Line(String),
    /// What the image says itself (`CMD`, `ENTRYPOINT`).
    Image,
}

impl Command {
    /// What a person reads in a transcript.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Exec(arguments) => arguments.join(" "),
            Self::Line(line) => line.clone(),
            Self::Image => "the image's own command".to_owned(),
        }
    }
}

/// What one instance may use of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Memory in MiB; the kernel kills an instance that needs more.
    pub memory_mib: u32,
    /// CPU in thousandths of a core.
    pub cpu_millis: u32,
    /// Processes and threads together.
    pub processes: u32,
}

impl Default for Limits {
    /// Room for a small web app: 512 MiB, one core, 512 processes.
    fn default() -> Self {
        Self { memory_mib: 512, cpu_millis: 1000, processes: 512 }
    }
}

/// How many instances of each process type an environment wants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Formation(pub BTreeMap<ProcessType, u16>);

impl Formation {
    /// Instances wanted of a process type. Unless somebody has set it: one `web`, none of the others, as on Heroku.
    #[must_use]
    pub fn instances(&self, process_type: &ProcessType) -> u16 {
        let default = u16::from(*process_type == ProcessType::web());
        self.0.get(process_type).copied().unwrap_or(default)
    }
}
