//! Volumes: folders of an environment that outlive its instances.

use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::name::{FilePath, InvalidName, ProcessType, VolumeName};
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
    /// The new ones start beside the old ones, and get a part of the requests for a while before they get all.
    Canary,
}

/// How the new instances of the strategy [`Strategy::Canary`] are tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CanaryOptions {
    /// Of the requests, from 1 to 99.
    pub percent: u8,
    pub seconds: u16,
}

impl Default for CanaryOptions {
    fn default() -> Self {
        Self { percent: 10, seconds: 120 }
    }
}

/// A volume that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub name: VolumeName,
    pub created_at: Option<Timestamp>,
}

/// Instances of one process type that would write the same volume at the same time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{count} instances of {process_type} would write the volume {volume} at the same time.")]
pub struct ManyWriters {
    pub process_type: ProcessType,
    pub count: u16,
    pub volume: VolumeName,
}

impl ManyWriters {
    /// What can be done about it.
    #[must_use]
    pub fn way_out(&self) -> String {
        format!(
            "Ask for one, mount the volume read-only (`{} = \"/path:ro\"`), or say `strategy = \"rolling\"` under [deploy] \
             in gilgal.toml if the app can do that.",
            self.volume
        )
    }
}

impl Strategy {
    /// The word that is written and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::Hold => "hold",
            Self::Recreate => "recreate",
            Self::Canary => "canary",
        }
    }

    /// Whether the old instances stop before the new ones start.
    #[must_use]
    pub const fn stops_first(self) -> bool {
        match self {
            Self::Rolling | Self::Canary => false,
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
        assert_eq!(parse("/data/"), Ok(Mount { path: data.clone(), read_only: false }));
        for read_only in ["/data:ro", "/data/:ro"] {
            assert_eq!(parse(read_only), Ok(Mount { path: data.clone(), read_only: true }));
        }
        for wrong in ["", "/", "data", "/../x", "/proc/x", "/a:rw/../b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
