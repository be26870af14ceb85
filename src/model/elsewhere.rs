//! What an environment gets from other hosts beside commits, and what is brought there.

use crate::model::image::ImageName;
use crate::model::remote_host::RemoteHost;
use serde::{Deserialize, Serialize};

/// Hosts of submodules that can be named beside that of the repository.
pub const MOST_HOSTS: usize = 20;

/// Where the images that are built are pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePush {
    /// Its tag moves with each deployment; each image is there under the id of its commit as well.
    pub image: ImageName,
    /// Whether nothing goes live that was not pushed, be it built for that or not.
    #[serde(default)]
    pub required: bool,
}

impl ImagePush {
    /// The names that the image of a commit gets; the one that stays comes first.
    #[must_use]
    pub fn names(&self, commit: &str) -> Vec<ImageName> {
        self.image.tagged(commit).into_iter().chain([self.image.clone()]).collect()
    }
}

/// What is fetched beside the commits of a repository; nothing, unless somebody has asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchExtras {
    /// The commits that submodules name.
    pub submodules: bool,
    /// The files that Git LFS keeps elsewhere.
    pub large_files: bool,
    /// Hosts that submodules may be on, beside that of the repository.
    pub hosts: Vec<RemoteHost>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_pushed_under_a_name_that_stays_and_one_that_moves() {
        let push = ImagePush { image: "ghcr.io/ada/shop:live".parse().unwrap(), required: false };
        let names: Vec<String> = push.names("1a2b3c4").iter().map(ImageName::full).collect();
        assert_eq!(names, ["ghcr.io/ada/shop:1a2b3c4", "ghcr.io/ada/shop:live"]);
        assert_eq!(push.image.tagged("no tag"), None);
    }
}
