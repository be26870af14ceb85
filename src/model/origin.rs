//! Where the commit of a deployment comes from that nobody has pushed.

use crate::model::image::ImageName;
use crate::model::name::CommitId;
use crate::model::repository_url::{ReferenceName, RepositoryUrl};
use serde::{Deserialize, Serialize};

/// Where the commit of a deployment comes from, other than from a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// An archive that somebody has sent.
    Upload,
    /// Another repository, from which it is fetched when the turn of the deployment comes.
    Repository {
        url: RepositoryUrl,
        /// A branch, a tag or a commit; `None`: what the repository's `HEAD` is.
        reference: Option<ReferenceName>,
        /// The one commit that it may be, where somebody has let in only that, or its checks were waited for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<CommitId>,
    },
    /// An image of a registry. The commit has one file, which names it.
    Image { image: ImageName },
}

impl Origin {
    /// Whether the commit is known only once something was fetched.
    #[must_use]
    pub const fn is_fetched(&self) -> bool {
        match self {
            Self::Repository { .. } => true,
            Self::Upload | Self::Image { .. } => false,
        }
    }
}
