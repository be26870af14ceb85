//! Which image the name of a base image stands for, and keeping those that no registry could give again.
//!
//! An image that came from a registry is built on by its digest, which the engine finds among what it has, or fetches. One
//! that was made in the engine has none (`RepoDigests`), and the engine does not build on ids: it is given a name of ours, by
//! which it stays when its own one moves on to another image.

use super::BuildError;
use super::docker::DockerBuilder;
use super::pull::remove_name;
use super::transcript::Transcript;
use crate::docker;
use crate::model::image::ImageName;
use crate::model::pins::BaseImage;
use async_trait::async_trait;
use bollard::Docker;
use bollard::models::ImageInspect;
use bollard::query_parameters::{ListImagesOptionsBuilder, TagImageOptionsBuilder};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// What a registry gets to say which image it has.
const REGISTRY_TIME: Duration = Duration::from_secs(10);

/// What the name of a base image stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBase {
    /// `None`: it is not in the engine, and its registry did not say.
    pub image: Option<BaseImage>,
    /// Why its registry did not say, where it was asked.
    pub silence: Option<String>,
}

/// Something that knows which images builds are based on.
#[async_trait]
pub trait BaseImages {
    /// What the name of a base image stands for: in the engine, or else in its registry. `newest`: in its registry, and in
    /// the engine only where that does not say.
    async fn find_base(&self, name: &ImageName, newest: bool) -> Result<FoundBase, BuildError>;

    /// Whether the name stands for another image in the engine than for the one that builds go by. `false` where it stands
    /// for none.
    async fn has_other_base(&self, name: &ImageName, pinned: &BaseImage) -> Result<bool, BuildError>;

    /// Whether the engine has an image of that name, or that digest: no registry is asked.
    async fn has_image(&self, name: &ImageName) -> Result<bool, BuildError>;

    /// Gives an image of the engine a name that it keeps and that can be built on; `None` where there is no such image.
    async fn keep_base(&self, id: &str) -> Result<Option<String>, BuildError>;

    /// Takes those names away from all but these images, and the names that pulls were killed with.
    async fn forget_bases_but(&self, kept: &HashSet<BaseImage>) -> Result<(), BuildError>;
}

#[async_trait]
impl BaseImages for DockerBuilder {
    async fn find_base(&self, name: &ImageName, newest: bool) -> Result<FoundBase, BuildError> {
        let docker = self.client().await?;
        let full = name.full();
        let here = self.inspected(&docker, &full).await?.and_then(|image| base_of(name, &image));
        if here.is_some() && !newest {
            return Ok(FoundBase { image: here, silence: None });
        }
        let asked = docker.inspect_registry_image(&full, None);
        let silence = match tokio::time::timeout(REGISTRY_TIME, asked).await {
            Ok(Ok(found)) => match found.descriptor.digest.filter(|digest| name.pinned(digest).is_some()) {
                Some(digest) => {
                    return Ok(FoundBase { image: Some(BaseImage::Digest(digest)), silence: None });
                }
                None => "it did not say which image it has".to_owned(),
            },
            Ok(Err(error)) if docker::is_unavailable(&error) => {
                return Err(self.failed(&error, &Transcript::default()));
            }
            Ok(Err(error)) => silence(&docker::message(&error)).to_owned(),
            Err(_) => format!("it did not answer for {} seconds", REGISTRY_TIME.as_secs()),
        };
        Ok(FoundBase { image: here, silence: Some(silence) })
    }

    async fn has_other_base(&self, name: &ImageName, pinned: &BaseImage) -> Result<bool, BuildError> {
        let docker = self.client().await?;
        let Some(image) = self.inspected(&docker, &name.full()).await? else { return Ok(false) };
        Ok(match pinned {
            BaseImage::Digest(digest) => !digests(name, &image).any(|known| known == *digest),
            BaseImage::Id(id) => image.id.as_ref() != Some(id),
        })
    }

    async fn has_image(&self, name: &ImageName) -> Result<bool, BuildError> {
        let docker = self.client().await?;
        Ok(self.inspected(&docker, &name.full()).await?.is_some())
    }

    async fn keep_base(&self, id: &str) -> Result<Option<String>, BuildError> {
        let docker = self.client().await?;
        let (repository, tag) = (self.bases(), id.trim_start_matches("sha256:"));
        let name = format!("{repository}:{tag}");
        if self.inspected(&docker, &name).await?.is_none() {
            let options = TagImageOptionsBuilder::new().repo(&repository).tag(tag).build();
            match docker.tag_image(id, Some(options)).await {
                Ok(()) => {}
                Err(error) if docker::status(&error) == Some(404) => return Ok(None),
                Err(error) => {
                    return Err(self.failed(&error, &Transcript::default()));
                }
            }
        }
        Ok(Some(name))
    }

    async fn forget_bases_but(&self, kept: &HashSet<BaseImage>) -> Result<(), BuildError> {
        let docker = self.client().await?;
        let kept: HashSet<&str> =
            kept.iter().map(|image| image.as_str().trim_start_matches("sha256:")).collect();
        for name in self.base_names(&docker).await? {
            let tag = name.rsplit(':').next().unwrap_or_default();
            if !kept.contains(tag) {
                remove_name(&docker, &name).await;
            }
        }
        self.forget_begun_pulls(&docker).await;
        Ok(())
    }
}

impl DockerBuilder {
    /// What images of the engine are called by us because builds go by them.
    async fn base_names(&self, docker: &Docker) -> Result<Vec<String>, BuildError> {
        let filters = HashMap::from([("reference", vec![self.bases()])]);
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        let images = docker
            .list_images(Some(options))
            .await
            .map_err(|error| self.failed(&error, &Transcript::default()))?;
        let ours = format!("{}:", self.bases());
        Ok(images
            .into_iter()
            .flat_map(|image| image.repo_tags)
            .filter(|name| name.starts_with(&ours))
            .collect())
    }

    /// The repository of those names. Nothing in it is a secret: everybody may build on what is in it.
    fn bases(&self) -> String {
        format!("gilgal/{}/base", self.server_id)
    }
}

/// Why a registry did not say it, in words of ours: those of the engine have the answer in them, which may be of somebody
/// else's server, if a registry leads there.
fn silence(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if has(&["unauthorized", "denied", "authentication required"]) {
        "it wants to know who asks"
    } else if has(&["no such host", "server misbehaving"]) {
        "there is no such host"
    } else if has(&["connection refused"]) {
        "it refuses connections"
    } else if has(&["x509", "certificate"]) {
        "its certificate is not accepted"
    } else if has(&["not found", "unknown"]) {
        "it has no such image"
    } else {
        "it did not answer as a registry does"
    }
}

/// What an image of the engine is pinned as.
fn base_of(name: &ImageName, image: &ImageInspect) -> Option<BaseImage> {
    let digest = digests(name, image).min().map(BaseImage::Digest);
    digest.or_else(|| image.id.clone().map(BaseImage::Id))
}

/// What the registry of the name knows an image by.
fn digests(name: &ImageName, image: &ImageInspect) -> impl Iterator<Item = String> {
    let known = image.repo_digests.iter().flatten().filter_map(|text| text.parse::<ImageName>().ok());
    let repository = name.repository();
    known
        .filter(move |known| known.repository() == repository)
        .filter_map(|known| known.digest().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::silence;

    #[test]
    fn nothing_of_an_answer_is_repeated() {
        for (message, said) in [
            (
                "errors: denied: requested access to the resource is denied unauthorized",
                "it wants to know who asks",
            ),
            ("Get \"https://a.b/v2/\": dial tcp: lookup a.b: no such host", "there is no such host"),
            ("dial tcp 10.0.0.1:443: connect: connection refused", "it refuses connections"),
            ("manifest unknown: manifest unknown", "it has no such image"),
            (
                "error parsing HTTP 403 response body: \"token=hunter2\"",
                "it did not answer as a registry does",
            ),
        ] {
            assert_eq!(silence(message), said);
        }
    }
}
