//! What one release has that another one has not. Values of config vars are not part of it: only their names are.

use crate::model::name::ProcessType;
use crate::model::release::ReleaseContent;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is different in the newer of two releases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReleaseDiff {
    /// Whether it has another image.
    pub image: bool,
    /// Names of config vars.
    pub config: Names,
    /// Paths of configuration files.
    #[serde(default)]
    pub files: Names,
    /// Process types whose command is another one, new or gone.
    pub processes: Names,
    /// Commands of a schedule that are others, new or gone.
    pub cron: Names,
    /// Instances of process types of which there are more or fewer.
    pub formation: BTreeMap<ProcessType, CountChange>,
    /// What instances may use, how they are checked, or how long they are drained.
    pub settings: bool,
}

/// Names that one side has, or that mean something else on the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Names {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

/// A number that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountChange {
    pub from: u16,
    pub to: u16,
}

impl ReleaseDiff {
    /// What `newer` has that `older` has not.
    ///
    /// Config vars and files are compared sealed: one that was set to the same again counts as changed.
    #[must_use]
    pub fn between(older: &ReleaseContent, newer: &ReleaseContent) -> Self {
        let counts = |content: &ReleaseContent, of: &ProcessType| {
            if content.processes.contains_key(of) { content.formation.instances(of) } else { 0 }
        };
        let types: BTreeSet<&ProcessType> = older.processes.keys().chain(newer.processes.keys()).collect();
        let formation = types.into_iter().filter_map(|of| {
            let change = CountChange { from: counts(older, of), to: counts(newer, of) };
            (change.from != change.to).then(|| (of.clone(), change))
        });
        let settings = |content: &ReleaseContent| {
            let ReleaseContent { limits, process_limits, health, drain_seconds, port, .. } = content.clone();
            let ReleaseContent { volumes, watch_seconds, sleep_seconds, canary, sticky, .. } =
                content.clone();
            let watched = (watch_seconds, sleep_seconds, canary, sticky);
            (limits, process_limits, health, drain_seconds, port, volumes, content.strategy(), watched)
        };
        Self {
            image: older.image != newer.image,
            config: Names::between(&config(older), &config(newer)),
            files: Names::between(&older.sealed_files, &newer.sealed_files),
            processes: Names::between(&older.processes, &newer.processes),
            cron: Names::between(&older.cron, &newer.cron),
            formation: formation.collect(),
            settings: settings(older) != settings(newer),
        }
    }

    /// The same for people, a line for each kind of change.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.image {
            lines.push("Image: another one".to_owned());
        }
        lines.extend(self.config.line("Config vars"));
        lines.extend(self.files.line("Configuration files"));
        lines.extend(self.processes.line("Process types"));
        lines.extend(self.cron.line("Commands of the schedule"));
        let counts =
            self.formation.iter().map(|(of, CountChange { from, to })| format!("{of} {from} -> {to}"));
        let counts: Vec<String> = counts.collect();
        if !counts.is_empty() {
            lines.push(format!("Instances: {}", counts.join(", ")));
        }
        if self.settings {
            lines.push("Settings: other limits, health check, volumes or time to drain".to_owned());
        }
        lines
    }
}

/// Config vars and the variables of the project's files, each by its name.
fn config(content: &ReleaseContent) -> BTreeMap<String, String> {
    content.variables.clone().into_iter().chain(content.sealed_config.clone()).collect()
}

impl Names {
    fn between<K: Ord + ToString, V: PartialEq>(older: &BTreeMap<K, V>, newer: &BTreeMap<K, V>) -> Self {
        let missing = |from: &BTreeMap<K, V>, in_other: &BTreeMap<K, V>| {
            let names = from.keys().filter(|name| !in_other.contains_key(*name));
            names.map(ToString::to_string).collect()
        };
        let changed = newer.iter().filter(|(name, value)| older.get(*name).is_some_and(|old| old != *value));
        Self {
            added: missing(newer, older),
            changed: changed.map(|(name, _)| name.to_string()).collect(),
            removed: missing(older, newer),
        }
    }

    /// `Config vars: + NEW, ~ CHANGED, - GONE`; `None` where nothing is different.
    fn line(&self, what: &str) -> Option<String> {
        let marked = |mark: &str, names: &[String]| -> Vec<String> {
            names.iter().map(|name| format!("{mark} {name}")).collect()
        };
        let parts =
            [marked("+", &self.added), marked("~", &self.changed), marked("-", &self.removed)].concat();
        (!parts.is_empty()).then(|| format!("{what}: {}", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::Command;

    fn content(image: &str, config: &[(&str, &str)], web: u16) -> ReleaseContent {
        let text = serde_json::json!({
            "image": image,
            "port": 5000,
            "processes": { "web": "image" },
            "formation": { "web": web },
            "limits": {},
            "sealed_config": config.iter().copied().collect::<BTreeMap<_, _>>(),
            "plan": crate::model::plan::BuildPlan::default(),
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_release_is_the_same_as_itself() {
        let release = content("sha256:a", &[("A", "x")], 1);
        let diff = ReleaseDiff::between(&release, &release);
        assert_eq!((diff.lines(), diff), (Vec::new(), ReleaseDiff::default()));
    }

    #[test]
    fn names_are_told_and_values_are_not() {
        let older = content("sha256:a", &[("GONE", "x"), ("SAME", "x"), ("SECRET", "old")], 1);
        let mut newer = content("sha256:b", &[("NEW", "x"), ("SAME", "x"), ("SECRET", "hunter2")], 3);
        newer.processes.insert("worker".parse().unwrap(), Command::Line("node worker.js".to_owned()));
        newer.formation.0.insert("worker".parse().unwrap(), 2);
        newer.sealed_files.insert("/app/config.yml".parse().unwrap(), "x".to_owned());
        newer.limits.memory_mib += 1;
        let diff = ReleaseDiff::between(&older, &newer);
        assert_eq!(
            diff.lines(),
            [
                "Image: another one",
                "Config vars: + NEW, ~ SECRET, - GONE",
                "Configuration files: + /app/config.yml",
                "Process types: + worker",
                "Instances: web 1 -> 3, worker 0 -> 2",
                "Settings: other limits, health check, volumes or time to drain",
            ]
        );
        assert!(!serde_json::to_string(&diff).unwrap().contains("hunter2"));
    }
}
