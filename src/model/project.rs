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
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
