//! Bodies of `/api/projects`.

use crate::model::id::ProjectId;
use crate::model::name::Slug;
use crate::model::time::Timestamp;
use crate::model::title::Title;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/projects`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewProjectBody {
    pub name: Title,
    /// Made from the name unless given.
    pub slug: Option<Slug>,
}

impl Body for NewProjectBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (name, slug) = (form.required("name"), form.optional("slug"));
        Some(Self { name: name?, slug })
    }
}

/// `PUT /api/projects/:id`: every field that can be changed.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct ReplaceProjectBody {
    pub name: Title,
}

impl Body for ReplaceProjectBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { name: form.required("name")? })
    }
}

/// `PATCH /api/projects/:id`: the fields to change.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct UpdateProjectBody {
    pub name: Option<Title>,
}

impl Body for UpdateProjectBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { name: form.optional("name") })
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectBody {
    pub id: ProjectId,
    pub slug: Slug,
    pub name: String,
    /// As the newest deployment recognised it; `null` before the first one.
    pub framework: Option<String>,
    pub status: ProjectStatus,
    /// What `git remote add gilgal` takes.
    pub git_url: String,
    /// Where the production environment answers.
    pub url: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Since when it is deleted; `null` unless it is.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Timestamp>,
    /// Until when a deleted project can be brought back; then it is removed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub restorable_until: Option<Timestamp>,
}

/// How a project is doing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProjectStatus {
    /// Nothing has been deployed yet.
    Created,
    /// A deployment is waiting or running.
    Deploying,
    /// A release is being served.
    Live,
    /// No release is served, and the newest deployment did not go live.
    Failed,
    /// An operator has disabled it.
    Disabled,
    /// It was deleted, and can be brought back for a while.
    Deleted,
}
