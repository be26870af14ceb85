//! Volumes: folders of an environment that outlive its instances.

use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::name::{FilePath, InvalidName, VolumeName};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Where a volume is in an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    pub path: FilePath,
    pub read_only: bool,
}

/// What becomes of the instances of one release when the next one takes their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The new ones start beside the old ones.
    Rolling,
    /// The old ones stop, then the new ones start; requests wait meanwhile.
    Hold,
    /// The same, and requests are turned away meanwhile.
    Recreate,
}

/// A volume that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub name: VolumeName,
    pub created_at: Option<Timestamp>,
}

impl Strategy {
    /// The word that is written and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::Hold => "hold",
            Self::Recreate => "recreate",
        }
    }

    /// Whether the old instances stop before the new ones start.
    #[must_use]
    pub const fn stops_first(self) -> bool {
        match self {
            Self::Rolling => false,
            Self::Hold | Self::Recreate => true,
        }
    }
}

/// `/data`, or `/data:ro` for one that is only read.
impl FromStr for Mount {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (path, read_only) = match text.strip_suffix(":ro") {
            Some(path) => (path, true),
            None => (text, false),
        };
        Ok(Self { path: path.trim_end_matches('/').parse()?, read_only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_a_path_and_perhaps_read_only() {
        let parse = |text: &str| text.parse::<Mount>();
        let data: FilePath = "/data".parse().unwrap();
        assert_eq!(parse("/data"), Ok(Mount { path: data.clone(), read_only: false }));
        assert_eq!(parse("/data/:ro").ok(), None, "the slash is not at its end");
        assert_eq!(parse("/data:ro"), Ok(Mount { path: data, read_only: true }));
        for wrong in ["", "/", "data", "/../x", "/proc/x", "/a:rw/../b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
