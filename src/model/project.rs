//! A project: what a user creates, pushes to and sees as one thing.

use crate::model::id::{ProjectId, UserId};
use crate::model::name::Slug;
use crate::model::time::Timestamp;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub owner_id: UserId,
    /// Free text, as the owner wrote it.
    pub name: String,
    /// Unique on the server; in the git URL and in host names.
    pub slug: Slug,
    /// Name of the framework that the newest deployment recognised, for example `Next.js`.
    pub framework: Option<String>,
    /// Set when pushes are refused and nothing is deployed.
    pub disabled_at: Option<Timestamp>,
    /// Set when it was deleted: nothing of it is deployed or served.
    pub deletion: Option<Deletion>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// That a project was deleted, which can be undone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    pub at: Timestamp,
    /// From then on it is really removed.
    pub final_at: Timestamp,
}

impl Project {
    /// Whether deployments of it are taken and served.
    #[must_use]
    pub const fn is_in_service(&self) -> bool {
        self.disabled_at.is_none() && self.deletion.is_none()
    }

    /// Why nothing is deployed to it at a time: a sentence for whoever pushes, by whichever way. `None`: it is.
    #[must_use]
    pub fn why_not_in_service(&self, now: Timestamp) -> Option<String> {
        match (self.deletion, self.disabled_at) {
            (Some(deletion), _) => Some(deletion.shown(&self.slug, now)),
            (None, Some(_)) => {
                Some(format!("The project {} is disabled. Ask the operator of this server.", self.slug))
            }
            (None, None) => None,
        }
    }
}

impl Deletion {
    /// Whether it can be undone at a time.
    #[must_use]
    pub fn can_be_undone(self, now: Timestamp) -> bool {
        now < self.final_at
    }

    /// What there is to say of the project with a name: `shop was deleted on 2026-11-26 at 21:04 UTC`, and how it comes back.
    #[must_use]
    pub fn shown(self, slug: &Slug, now: Timestamp) -> String {
        let at = self.at.format(MINUTE);
        if !self.can_be_undone(now) {
            return format!("The project {slug} was deleted on {at} and is being removed.");
        }
        let until = self.final_at.format(MINUTE);
        format!(
            "The project {slug} was deleted on {at}. `gilgal undelete {slug}` brings it back until {until}."
        )
    }
}

/// How a time is written for people who act on it.
const MINUTE: &str = "%Y-%m-%d at %H:%M UTC";

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_deletion_says_how_it_is_undone() {
        let at: Timestamp = "2026-11-26T21:04:05Z".parse().unwrap();
        let (deletion, slug) = (Deletion { at, final_at: at + TimeDelta::days(7) }, "shop".parse().unwrap());
        let shown = [at, deletion.final_at].map(|now| deletion.shown(&slug, now));
        insta::assert_snapshot!(shown.join("\n"), @r"
        The project shop was deleted on 2026-11-26 at 21:04 UTC. `gilgal undelete shop` brings it back until 2026-12-03 at 21:04 UTC.
        The project shop was deleted on 2026-11-26 at 21:04 UTC and is being removed.
        ");
    }
}
