//! How hooks look in bodies.

use super::string;
use crate::model::hook::{Provider, SkipReason};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

words! {
    Provider {
        Github = "github",
        Gitlab = "gitlab",
        Gitea = "gitea",
        Bitbucket = "bitbucket",
        Custom = "custom",
    }
    SkipReason {
        OtherEvent = "other_event",
        Unreadable = "unreadable",
        Disabled = "disabled",
        OtherRepository = "other_repository",
        Deleted = "deleted",
        SkipToken = "skip_token",
        OtherBranch = "other_branch",
        Tag = "tag",
        Unchanged = "unchanged",
        ProjectDisabled = "project_disabled",
        RepositoryRefused = "repository_refused",
        WaitsForChecks = "waits_for_checks",
    }
}
