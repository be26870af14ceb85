//! Bodies of what an environment gets from other hosts, and what is brought there.

use crate::model::elsewhere::{FetchExtras, ImagePush};
use crate::model::image::ImageName;
use crate::model::remote_host::RemoteHost;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the images that are built are pushed, by the credential of the project for the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagePushBody {
    /// `ghcr.io/ada/shop:live`. The image is there under the id of its commit as well.
    #[schema(value_type = String)]
    pub image: ImageName,
    /// Whether nothing goes live that was not pushed; unless given, it is pushed once it is live.
    #[serde(default)]
    #[schema(required = false)]
    pub required: bool,
}

impl From<ImagePush> for ImagePushBody {
    fn from(push: ImagePush) -> Self {
        let ImagePush { image, required } = push;
        Self { image, required }
    }
}

/// What is fetched beside commits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FetchBody {
    /// Submodules, which are empty folders unless this is so.
    pub submodules: bool,
    /// The files of Git LFS, which are pointers unless this is so.
    pub large_files: bool,
    /// Hosts that submodules may be on, beside that of the repository.
    #[schema(value_type = Vec<String>)]
    pub hosts: Vec<RemoteHost>,
}

impl From<FetchExtras> for FetchBody {
    fn from(extras: FetchExtras) -> Self {
        let FetchExtras { submodules, large_files, hosts } = extras;
        Self { submodules, large_files, hosts }
    }
}
