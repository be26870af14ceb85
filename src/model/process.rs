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

/// What the operator lets one environment have, whatever the files of its project ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maxima {
    /// Memory of one instance, in MiB.
    pub memory_mib: u32,
    /// CPU of one instance, in thousandths of a core.
    pub cpu_millis: u32,
    /// Instances of all process types together.
    pub instances: u32,
}

impl Maxima {
    /// Why a set of process types, each with its instances and limits, is too much: a sentence with the way out.
    #[must_use]
    pub fn exceeded_by(&self, wanted: &[(ProcessType, u16, Limits)]) -> Option<String> {
        let total: u32 = wanted.iter().map(|(_, instances, _)| u32::from(*instances)).sum();
        if total > self.instances {
            return Some(format!(
                "{total} instances are more than the {} that this server gives to an environment. Ask for fewer, or ask \
                 its operator (GILGAL_MAX_INSTANCES).",
                self.instances
            ));
        }
        wanted.iter().find_map(|(process_type, _, limits)| {
            if limits.memory_mib > self.memory_mib {
                return Some(format!(
                    "{process_type} asks for {} MiB of memory, more than the {} MiB that this server gives to an instance. \
                     Ask for less, or ask its operator (GILGAL_MAX_INSTANCE_MEMORY_MIB).",
                    limits.memory_mib, self.memory_mib
                ));
            }
            (limits.cpu_millis > self.cpu_millis).then(|| {
                format!(
                    "{process_type} asks for {} cores, more than the {} that this server gives to an instance. Ask for \
                     less, or ask its operator (GILGAL_MAX_INSTANCE_CORES).",
                    f64::from(limits.cpu_millis) / 1000.0,
                    f64::from(self.cpu_millis) / 1000.0
                )
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_named_with_its_setting() {
        let maxima = Maxima { memory_mib: 1024, cpu_millis: 2000, instances: 4 };
        let wanted = |instances: u16, memory_mib: u32, cpu_millis: u32| {
            let limits = Limits { memory_mib, cpu_millis, ..Limits::default() };
            [(ProcessType::web(), 1, Limits::default()), ("worker".parse().unwrap(), instances, limits)]
        };
        assert_eq!(maxima.exceeded_by(&wanted(3, 1024, 2000)), None);
        for (wanted, setting) in [
            (wanted(4, 64, 100), "GILGAL_MAX_INSTANCES"),
            (wanted(1, 1025, 100), "GILGAL_MAX_INSTANCE_MEMORY_MIB"),
            (wanted(1, 64, 2001), "GILGAL_MAX_INSTANCE_CORES"),
        ] {
            let sentence = maxima.exceeded_by(&wanted).unwrap();
            assert!(sentence.contains(&format!("({setting})")), "{sentence}");
        }
    }
}
