//! What a deployment is made from, and what becomes of two that want to be next.
//!
//! At most one deployment of an environment waits. A new one either joins it or takes its place, by one rule: what is live
//! in the end must be what it would be if both ran, one after the other. A deployment that took another's place may fail,
//! though, and then what it replaced would be lost: so it carries that along ([`Carried`]), and leaves it in the queue
//! when it does not go live. A push is not carried: its pusher was told at once and still has the commit.

use crate::model::deployment::{DeploymentOptions, DeploymentSource};
use crate::model::id::{EnvironmentId, UserId};
use crate::model::name::{BranchName, CommitId};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a deployment is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum DeploymentBasis {
    /// The commit of the deployment: it is looked at and built.
    #[default]
    Commit,
    /// A release of the environment as it was: image, config and formation together. What was set for the environment
    /// after `asked_at` wins over the release; everything else is set back to what the release has.
    Release {
        version: i64,
        asked_at: Timestamp,
        /// Build its commit again, by its own plan: the image is gone, or needs other variables.
        rebuild: bool,
    },
    /// What is live when the turn of the deployment comes, with what is set for the environment then.
    Live {
        /// New instances are wanted even where nothing has changed.
        restart: bool,
        /// Build its commit again: something that the build reads has changed.
        rebuild: bool,
    },
    /// The image and the plan of a release of another environment of the project, with what is set for this one.
    Promotion { environment_id: EnvironmentId, version: i64, rebuild: bool },
}

/// What a deployment has replaced in the queue and leaves there again if it does not go live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    pub basis: DeploymentBasis,
    pub commit: CommitId,
    pub source: DeploymentSource,
    pub author: Option<UserId>,
    /// Why the server has started it by itself.
    #[serde(default)]
    pub automatic: Option<Automatic>,
}

/// What the server rolls back by itself, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automatic {
    /// The version of the release that has failed.
    pub from: i64,
    /// One sentence.
    pub why: String,
}

/// What somebody wants to be deployed, as far as it matters to what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub commit: CommitId,
    pub branch: Option<BranchName>,
    pub source: DeploymentSource,
    pub author: Option<UserId>,
    pub options: DeploymentOptions,
}

/// What becomes of a new order and of the one that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meeting {
    /// The waiting one does what the new one asks for as well, with these options.
    Join(DeploymentOptions),
    /// The new one takes its place, and carries this.
    Replace(Option<Carried>),
}

impl DeploymentBasis {
    /// The same, with what is set meanwhile: it is a part of everything that is deployed, but what the build reads is not
    /// a part of an image that is there already.
    const fn with_settings(self, again: bool, new_image: bool) -> Self {
        match self {
            Self::Commit => Self::Commit,
            Self::Release { version, asked_at, rebuild } => {
                Self::Release { version, asked_at, rebuild: rebuild || new_image }
            }
            Self::Live { restart, rebuild } => {
                Self::Live { restart: restart || again, rebuild: rebuild || new_image }
            }
            Self::Promotion { environment_id, version, rebuild } => {
                Self::Promotion { environment_id, version, rebuild: rebuild || new_image }
            }
        }
    }

    /// Both in one, where they are about the same release.
    fn merged(self, newer: Self) -> Option<Self> {
        match (self, newer) {
            (
                Self::Release { version, rebuild, .. },
                Self::Release { version: same, asked_at, rebuild: too },
            ) if version == same => Some(Self::Release { version, asked_at, rebuild: rebuild || too }),
            (
                Self::Promotion { environment_id, version, rebuild },
                Self::Promotion { environment_id: from, version: same, rebuild: too },
            ) if (environment_id, version) == (from, same) => {
                Some(Self::Promotion { environment_id, version, rebuild: rebuild || too })
            }
            (
                Self::Commit | Self::Release { .. } | Self::Live { .. } | Self::Promotion { .. },
                Self::Commit | Self::Release { .. } | Self::Live { .. } | Self::Promotion { .. },
            ) => None,
        }
    }
}

impl Order {
    /// What becomes of this order, which waits, when a newer one comes.
    #[must_use]
    pub fn meets(&self, newer: &Self) -> Meeting {
        let joined = match newer.options.basis {
            DeploymentBasis::Live { restart, rebuild } => Some(self.with_settings(newer, restart, rebuild)),
            DeploymentBasis::Commit => (self.deploys_the_same(newer) || self.will_fetch_the_same(newer))
                .then(|| DeploymentOptions {
                    no_cache: self.options.no_cache || newer.options.no_cache,
                    ..self.options.clone()
                }),
            DeploymentBasis::Release { .. } | DeploymentBasis::Promotion { .. } => {
                let basis = self.options.basis.merged(newer.options.basis);
                basis.map(|basis| DeploymentOptions { basis, ..self.options.clone() })
            }
        };
        joined.map_or_else(|| Meeting::Replace(self.left_behind()), Meeting::Join)
    }

    /// Whether a newer order for a commit, or for what a branch points at, is fulfilled by this one. What a branch points
    /// at is older than what waits to move it.
    #[must_use]
    pub fn deploys_the_same(&self, newer: &Self) -> bool {
        self.options.basis == DeploymentBasis::Commit
            && newer.options.basis == DeploymentBasis::Commit
            && self.branch == newer.branch
            && (newer.follows_branch()
                // What is still to be fetched may have changed since.
                || (newer.commit.is_known()
                    && self.commit == newer.commit
                    && self.options.move_branch == newer.options.move_branch))
    }

    /// Whether this one, which waits, fetches what a newer delivery is about: it looks what is there when its turn comes.
    /// One for which somebody has asked is theirs, and is done by itself.
    fn will_fetch_the_same(&self, newer: &Self) -> bool {
        self.options.basis == DeploymentBasis::Commit
            && (self.source, newer.source) == (DeploymentSource::Webhook, DeploymentSource::Webhook)
            && self.options.origin == newer.options.origin
    }

    /// Whether it deploys what its branch points at when its turn comes.
    #[must_use]
    pub fn follows_branch(&self) -> bool {
        self.branch.is_some() && !self.options.move_branch
    }

    /// The options of this order when settings are to be applied as well. Should it not go live, they are applied to what
    /// is live then.
    fn with_settings(&self, newer: &Self, restart: bool, rebuild: bool) -> DeploymentOptions {
        let basis = self.options.basis.with_settings(restart, rebuild);
        let carries = match (self.options.basis, self.options.carries.clone()) {
            // Nothing but settings: somebody is told when they cannot be applied.
            (DeploymentBasis::Live { .. }, carries) => carries,
            (
                DeploymentBasis::Commit | DeploymentBasis::Release { .. } | DeploymentBasis::Promotion { .. },
                carries,
            ) => Some(match carries {
                None => newer.carried(),
                Some(one) => Carried { basis: one.basis.with_settings(restart, rebuild), ..one },
            }),
        };
        DeploymentOptions { basis, carries, ..self.options.clone() }
    }

    /// What another order that takes the place of this one has to carry.
    fn left_behind(&self) -> Option<Carried> {
        match self.options.basis {
            DeploymentBasis::Commit => self.options.carries.clone(),
            // What it carries itself is contained in it.
            DeploymentBasis::Release { .. }
            | DeploymentBasis::Live { .. }
            | DeploymentBasis::Promotion { .. } => Some(self.carried()),
        }
    }

    fn carried(&self) -> Carried {
        Carried {
            basis: self.options.basis,
            commit: self.commit.clone(),
            source: self.source,
            author: self.author,
            automatic: self.options.automatic.clone(),
        }
    }
}

impl From<Carried> for Order {
    fn from(carried: Carried) -> Self {
        let Carried { basis, commit, source, author, automatic } = carried;
        let options = DeploymentOptions { basis, automatic, ..DeploymentOptions::default() };
        Self { commit, branch: None, source, author, options }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::now;

    fn order(source: DeploymentSource, basis: DeploymentBasis) -> Order {
        Order {
            commit: "a".repeat(40).parse().unwrap(),
            branch: None,
            source,
            author: None,
            options: DeploymentOptions { basis, ..DeploymentOptions::default() },
        }
    }

    fn push(digit: char) -> Order {
        let order = order(DeploymentSource::Push, DeploymentBasis::Commit);
        Order {
            commit: digit.to_string().repeat(40).parse().unwrap(),
            branch: Some("main".parse().unwrap()),
            options: DeploymentOptions { move_branch: true, ..order.options },
            ..order
        }
    }

    /// Deploys what `main` points at.
    fn redeployment() -> Order {
        let push = push('a');
        let options = DeploymentOptions { move_branch: false, ..push.options };
        Order { source: DeploymentSource::Redeploy, options, ..push }
    }

    fn rollback(version: i64) -> Order {
        let basis = DeploymentBasis::Release { version, asked_at: now(), rebuild: false };
        order(DeploymentSource::Rollback, basis)
    }

    fn settings(source: DeploymentSource, restart: bool, rebuild: bool) -> Order {
        order(source, DeploymentBasis::Live { restart, rebuild })
    }

    fn config() -> Order {
        settings(DeploymentSource::Config, false, false)
    }

    fn promotion(version: i64) -> Order {
        let environment_id = EnvironmentId::from_uuid(uuid::Uuid::nil());
        let basis = DeploymentBasis::Promotion { environment_id, version, rebuild: false };
        order(DeploymentSource::Promote, basis)
    }

    #[track_caller]
    fn joined(waiting: &Order, newer: &Order) -> Order {
        match waiting.meets(newer) {
            Meeting::Join(options) => Order { options, ..waiting.clone() },
            Meeting::Replace(_) => panic!("{newer:?} replaces {waiting:?}"),
        }
    }

    /// The newer order in the place of the waiting one, with what it carries.
    #[track_caller]
    fn replaced(waiting: &Order, newer: &Order) -> Order {
        match waiting.meets(newer) {
            Meeting::Replace(carries) => {
                Order { options: DeploymentOptions { carries, ..newer.options.clone() }, ..newer.clone() }
            }
            Meeting::Join(_) => panic!("{newer:?} joins {waiting:?}"),
        }
    }

    fn carries(order: &Order) -> Option<DeploymentBasis> {
        order.options.carries.as_ref().map(|carried| carried.basis)
    }

    #[test]
    fn settings_join_whatever_waits() {
        let both = joined(
            &settings(DeploymentSource::Scale, false, true),
            &settings(DeploymentSource::Restart, true, false),
        );
        assert_eq!(both.options.basis, DeploymentBasis::Live { restart: true, rebuild: true });
        assert_eq!(carries(&both), None, "when they cannot be applied, that is all there is to say");
        for waiting in [push('a'), rollback(3), promotion(3)] {
            let both = joined(&waiting, &config());
            assert_eq!(both.options.basis, waiting.options.basis);
            assert_eq!(carries(&both), Some(config().options.basis), "they are not lost with it");
        }
        let rebuilt = joined(&rollback(3), &settings(DeploymentSource::Config, false, true));
        assert!(matches!(rebuilt.options.basis, DeploymentBasis::Release { version: 3, rebuild: true, .. }));
    }

    #[test]
    fn the_newest_is_next_and_carries_what_it_replaces() {
        for waiting in [rollback(3), promotion(3), config()] {
            for newer in [push('b'), rollback(5), promotion(5), redeployment()] {
                assert_eq!(carries(&replaced(&waiting, &newer)), Some(waiting.options.basis));
            }
        }
        assert_eq!(carries(&replaced(&push('a'), &push('b'))), None, "a pusher is told at once");
        let carrying = replaced(&rollback(3), &push('a'));
        let next = replaced(&carrying, &push('b'));
        assert_eq!(next.options.carries, carrying.options.carries, "it is handed on");
        let settled = joined(&next, &settings(DeploymentSource::Config, false, true));
        assert!(
            matches!(carries(&settled), Some(DeploymentBasis::Release { version: 3, rebuild: true, .. })),
            "a rollback has what is set after it was asked for"
        );
    }

    #[test]
    fn the_same_is_asked_for_once() {
        assert_eq!(joined(&push('a'), &push('a')), push('a'));
        assert_eq!(joined(&push('b'), &redeployment()), push('b'), "it is newer than what is on the branch");
        joined(&promotion(3), &promotion(3));
        let later = rollback(3);
        assert_eq!(joined(&rollback(3), &later), later, "nothing that was set in between is kept");
        replaced(&redeployment(), &push('a'));
        let fetched = Order { commit: CommitId::unknown(), branch: None, ..redeployment() };
        replaced(&fetched, &fetched);
        let topic = Order { branch: Some("topic".parse().unwrap()), ..redeployment() };
        replaced(&push('a'), &topic);
        let uncached = DeploymentOptions { no_cache: true, ..redeployment().options };
        assert!(joined(&redeployment(), &Order { options: uncached, ..redeployment() }).options.no_cache);
    }
}
