//! How much of its disks the server may use.

use super::catalogue as names;
use super::lookup::Lookup;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// Bytes in one MiB.
const MIB: u64 = 1024 * 1024;
const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// What may be kept, and what has to stay free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskBudget {
    /// Of the disks of the home and of the database: below it nothing is pushed.
    pub least_free_bytes: u64,
    /// Of the engine's disk: below it nothing is built.
    pub least_free_for_builds_bytes: u64,
    /// The cache of builds is made as small as this again and again; `None`: it is left alone.
    pub build_cache_bytes: Option<u64>,
    /// Images of the newest releases of an environment that are kept.
    pub images_per_environment: u32,
    /// Images of all projects together that are kept to roll back to.
    pub images_in_all: usize,
    /// Age at which the log of a deployment goes.
    pub log_age: Duration,
    /// Bytes of logs that a project may have; the oldest go.
    pub log_bytes_per_project: u64,
}

impl DiskBudget {
    /// Reads its settings; `None` after a mistake, which ends the start.
    pub(super) fn read(lookup: &mut Lookup) -> Option<Self> {
        let mib = "a number of MiB";
        let least_free = lookup.required::<u32>(names::LEAST_FREE_MIB, mib);
        let for_builds = lookup.required::<u32>(names::LEAST_FREE_FOR_BUILDS_MIB, mib);
        let build_cache =
            lookup.required::<u32>(names::BUILD_CACHE_MIB, "a number of MiB, or 0 for no limit");
        let of_one =
            lookup.required::<AtLeastTwo>(names::IMAGES_PER_ENVIRONMENT, "a number of images from 2");
        let images = lookup.required::<NonZeroU32>(names::IMAGES_IN_ALL, "a number of images");
        let days = lookup.required::<NonZeroU32>(names::LOG_DAYS, "a number of days");
        let log_mib = lookup.required::<NonZeroU32>(names::LOG_MIB_PER_PROJECT, mib);
        Some(Self {
            least_free_bytes: u64::from(least_free?) * MIB,
            least_free_for_builds_bytes: u64::from(for_builds?) * MIB,
            build_cache_bytes: Some(u64::from(build_cache?) * MIB).filter(|bytes| *bytes > 0),
            images_per_environment: of_one?.0,
            images_in_all: usize::try_from(images?.get()).unwrap_or(usize::MAX),
            log_age: Duration::from_secs(u64::from(days?.get()) * SECONDS_A_DAY),
            log_bytes_per_project: u64::from(log_mib?.get()) * MIB,
        })
    }
}

/// One image is served, and one is gone back to.
struct AtLeastTwo(u32);

impl FromStr for AtLeastTwo {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|count| *count >= 2).map(Self).ok_or(())
    }
}
