//! Bodies of what the builds of an environment go by.

use crate::model::pins::{BaseImage, Pins};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What the builds of an environment go by, besides what its project says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinsBody {
    /// Version lines by tool: `node`: `22`.
    pub versions: BTreeMap<String, String>,
    pub images: Vec<PinnedImageBody>,
}

/// A base image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinnedImageBody {
    /// What is built on: `node:22-bookworm-slim`.
    pub name: String,
    /// What its registry knows it by: `sha256:…`; `null`: it was made in the engine.
    pub digest: Option<String>,
    /// Its id in the engine, where no registry has it.
    pub id: Option<String>,
}

impl From<Pins> for PinsBody {
    fn from(pins: Pins) -> Self {
        let image = |(name, image)| match image {
            BaseImage::Digest(digest) => PinnedImageBody { name, digest: Some(digest), id: None },
            BaseImage::Id(id) => PinnedImageBody { name, digest: None, id: Some(id) },
        };
        Self { versions: pins.versions, images: pins.images.into_iter().map(image).collect() }
    }
}
