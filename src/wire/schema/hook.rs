//! How hooks look in bodies.

use super::string;
use crate::model::hook::{Provider, SkipReason};
use crate::model::preview::PreviewState;
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
    PreviewState {
        WaitsForApproval = "waits_for_approval",
        Open = "open",
        Closing = "closing",
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
        PreviewsOff = "previews_off",
        PreviewLimit = "preview_limit",
        WaitsForApproval = "waits_for_approval",
        PreviewWaits = "preview_waits",
        PreviewRefused = "preview_refused",
        NoPreview = "no_preview",
        WaitsForChecks = "waits_for_checks",
        CameBefore = "came_before",
    }
}
