//! When the settings of an environment were changed, each by itself: a rollback sets those back that were not set after it
//! was asked for.

use crate::model::environment::EnvironmentSettings;
use crate::model::process::Formation;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The moment of the last change of each setting, by its name; the formation by each process type, as `formation.web`. What
/// it does not have was not changed since the environment was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SettingTimes(BTreeMap<String, Timestamp>);

impl SettingTimes {
    /// The same after settings were changed at a moment.
    #[must_use]
    pub fn after(mut self, before: &EnvironmentSettings, now: &EnvironmentSettings, at: Timestamp) -> Self {
        self.0.extend(differing(before, now).into_iter().map(|name| (name, at)));
        self
    }

    /// Whether something was set after a moment that is a part of what runs.
    #[must_use]
    pub fn has_later_than(&self, moment: Timestamp) -> bool {
        self.0.iter().any(|(name, at)| *at > moment && !is_no_part_of_what_runs(name))
    }

    /// The settings of a release, but for what was set after a moment, and what is no part of what runs: those as they are
    /// `now`.
    #[must_use]
    pub fn set_back(
        &self,
        now: &EnvironmentSettings,
        released: &EnvironmentSettings,
        moment: Timestamp,
    ) -> EnvironmentSettings {
        let stays =
            |name: &str| is_no_part_of_what_runs(name) || self.0.get(name).is_some_and(|at| *at > moment);
        joined(now, released, stays)
    }
}

/// What becomes of pushes whose pusher hangs up, the pages that stand in for an app, and what is fetched and pushed elsewhere.
fn is_no_part_of_what_runs(name: &str) -> bool {
    ["on_hang_up", "push_images", "fetch", "maintenance_page", "error_page"].contains(&name)
}

fn of_formation(process_type: &impl ToString) -> String {
    format!("formation.{}", process_type.to_string())
}

/// What is done with each setting but the formation: a new one is named here, or nothing of this compiles.
macro_rules! settings {
    ($($name:ident),*) => {
        /// The names of the settings in which two differ.
        fn differing(one: &EnvironmentSettings, other: &EnvironmentSettings) -> BTreeSet<String> {
            let types = one.formation.0.keys().chain(other.formation.0.keys());
            let scaled = types.filter(|of| one.formation.0.get(*of) != other.formation.0.get(*of));
            let mut names: BTreeSet<String> = scaled.map(of_formation).collect();
            $(if one.$name != other.$name {
                names.insert(stringify!($name).to_owned());
            })*
            names
        }

        /// Those of one whose names stay, and the others of another.
        fn joined(
            one: &EnvironmentSettings,
            other: &EnvironmentSettings,
            stays: impl Fn(&str) -> bool,
        ) -> EnvironmentSettings {
            let of_one = one.formation.0.iter().filter(|(of, _)| stays(&of_formation(of)));
            let of_other = other.formation.0.iter().filter(|(of, _)| !stays(&of_formation(of)));
            EnvironmentSettings {
                formation: Formation(of_one.chain(of_other).map(|(of, count)| (of.clone(), *count)).collect()),
                $($name: if stays(stringify!($name)) { &one.$name } else { &other.$name }.clone()),*
            }
        }
    };
}

settings!(
    limits,
    health,
    on_hang_up,
    drain_seconds,
    watch_seconds,
    sleep_seconds,
    strategy,
    canary,
    root,
    build_command,
    start_command,
    push_images,
    fetch,
    maintenance_page,
    error_page
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::environment::{DrainSeconds, HangUpPolicy};
    use crate::model::time::now;
    use chrono::TimeDelta;

    fn scaled(counts: &[(&str, u16)]) -> EnvironmentSettings {
        let counts = counts.iter().map(|(of, count)| (of.parse().unwrap(), *count)).collect();
        EnvironmentSettings { formation: Formation(counts), ..EnvironmentSettings::default() }
    }

    #[test]
    fn what_was_set_after_a_moment_stays_and_the_rest_is_set_back() {
        let released = scaled(&[("web", 1), ("clock", 1)]);
        let before = EnvironmentSettings {
            drain_seconds: DrainSeconds(5),
            on_hang_up: HangUpPolicy::Cancel,
            ..scaled(&[("web", 4), ("worker", 2)])
        };
        let asked_at = now();
        let times = SettingTimes::default().after(&released, &before, asked_at - TimeDelta::seconds(5));
        assert!(!times.has_later_than(asked_at));
        let back = EnvironmentSettings { on_hang_up: HangUpPolicy::Cancel, ..released.clone() };
        assert_eq!(times.set_back(&before, &released, asked_at), back);

        let later = asked_at + TimeDelta::seconds(5);
        let page = EnvironmentSettings { error_page: Some("<p>".parse().unwrap()), ..before.clone() };
        let times = times.after(&before, &page, later);
        assert!(!times.has_later_than(asked_at));
        let with_page = EnvironmentSettings { error_page: page.error_page.clone(), ..back };
        assert_eq!(times.set_back(&page, &released, asked_at), with_page);

        let mut now = page.clone();
        now.formation = scaled(&[("web", 4), ("worker", 3)]).formation;
        let times = times.after(&page, &now, later);
        assert!(times.has_later_than(asked_at));
        let formation = scaled(&[("web", 1), ("clock", 1), ("worker", 3)]).formation;
        let expected = EnvironmentSettings { formation, ..with_page };
        assert_eq!(times.set_back(&now, &released, asked_at), expected);
    }
}
