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

/// The limits of one process type, where they are not those of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsChange {
    pub memory_mib: Option<u32>,
    /// Thousandths of a core.
    pub cpu_millis: Option<u32>,
}

impl Limits {
    /// The smaller of each two.
    #[must_use]
    pub fn at_most(self, most: Self) -> Self {
        Self {
            memory_mib: self.memory_mib.min(most.memory_mib),
            cpu_millis: self.cpu_millis.min(most.cpu_millis),
            processes: self.processes.min(most.processes),
        }
    }
}

impl LimitsChange {
    /// The limits of the environment with what is said here.
    #[must_use]
    pub fn applied_to(self, limits: Limits) -> Limits {
        Limits {
            memory_mib: self.memory_mib.unwrap_or(limits.memory_mib),
            cpu_millis: self.cpu_millis.unwrap_or(limits.cpu_millis),
            ..limits
        }
    }
}

/// The signal by which an instance is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopSignal {
    SigTerm,
    SigInt,
    /// What nginx and PHP-FPM end at when they have answered.
    SigQuit,
    SigHup,
    SigUsr1,
    SigUsr2,
    /// The same for Apache.
    SigWinch,
}

impl StopSignal {
    /// Its name, as Docker takes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SigTerm => "SIGTERM",
            Self::SigInt => "SIGINT",
            Self::SigQuit => "SIGQUIT",
            Self::SigHup => "SIGHUP",
            Self::SigUsr1 => "SIGUSR1",
            Self::SigUsr2 => "SIGUSR2",
            Self::SigWinch => "SIGWINCH",
        }
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

/// What the operator lets one environment have, whatever the files of its project ask for. What they do not ask for is not
/// measured by it.
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
    /// Why so many instances, and what is asked for one of each process type, are too much: a sentence with the way out.
    #[must_use]
    pub fn exceeded_by(&self, instances: u32, asked: &BTreeMap<ProcessType, LimitsChange>) -> Option<String> {
        if instances > self.instances {
            return Some(format!(
                "{instances} instances are more than the {} that this server gives to an environment. Ask for fewer, or \
                 ask its operator (GILGAL_MAX_INSTANCES).",
                self.instances
            ));
        }
        asked.iter().find_map(|(process_type, change)| {
            let memory = change.memory_mib.filter(|memory| *memory > self.memory_mib).map(|memory| {
                format!(
                    "{process_type} asks for {memory} MiB of memory, more than the {} MiB that this server gives to an \
                     instance. Ask for less, or ask its operator (GILGAL_MAX_INSTANCE_MEMORY_MIB).",
                    self.memory_mib
                )
            });
            let cores = change.cpu_millis.filter(|millis| *millis > self.cpu_millis).map(|millis| {
                format!(
                    "{process_type} asks for {} cores, more than the {} that this server gives to an instance. Ask for \
                     less, or ask its operator (GILGAL_MAX_INSTANCE_CORES).",
                    f64::from(millis) / 1000.0,
                    f64::from(self.cpu_millis) / 1000.0
                )
            });
            memory.or(cores)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_named_with_its_setting() {
        let maxima = Maxima { memory_mib: 256, cpu_millis: 2000, instances: 4 };
        let asked = |memory_mib: Option<u32>, cpu_millis: Option<u32>| {
            BTreeMap::from([("worker".parse().unwrap(), LimitsChange { memory_mib, cpu_millis })])
        };
        assert_eq!(maxima.exceeded_by(4, &asked(Some(256), Some(2000))), None);
        // The default of an environment is more than 256 MiB: the operator's business, not the project's.
        assert_eq!(maxima.exceeded_by(4, &asked(None, Some(100))), None);
        for (instances, asked, setting) in [
            (5, asked(None, None), "GILGAL_MAX_INSTANCES"),
            (1, asked(Some(257), None), "GILGAL_MAX_INSTANCE_MEMORY_MIB"),
            (1, asked(None, Some(2001)), "GILGAL_MAX_INSTANCE_CORES"),
        ] {
            let sentence = maxima.exceeded_by(instances, &asked).unwrap();
            assert!(sentence.contains(&format!("({setting})")), "{sentence}");
        }
    }
}
