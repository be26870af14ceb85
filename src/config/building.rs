//! What builds may use, and how many there are at a time.

use super::catalogue as names;
use super::lookup::Lookup;
use std::num::{NonZeroU8, NonZeroU32};
use std::thread::available_parallelism;
use std::time::Duration;

/// How images are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildSettings {
    /// For one build.
    pub timeout: Duration,
    /// For a deployment, until it is ready to go live.
    pub deploy_timeout: Duration,
    /// Of one command of a build.
    pub memory_mib: u32,
    /// The same.
    pub processes: u32,
    pub at_once: usize,
}

impl BuildSettings {
    /// Reads its settings; `None` only after a mistake, which ends the start.
    pub(super) fn read(lookup: &mut Lookup) -> Option<Self> {
        let memory = lookup.required::<NonZeroU32>(names::BUILD_MEMORY_MIB, "a number of MiB");
        let processes = lookup.required::<NonZeroU32>(names::BUILD_PROCESSES, "a number of processes");
        let timeout = lookup.required::<NonZeroU32>(names::BUILD_TIMEOUT_SECONDS, "a number of seconds");
        let deploy_timeout =
            lookup.required::<NonZeroU32>(names::DEPLOY_TIMEOUT_SECONDS, "a number of seconds");
        let at_once = lookup.optional::<NonZeroU8>(names::BUILDS_AT_ONCE, "a number from 1 to 255");
        Some(Self {
            timeout: Duration::from_secs(u64::from(timeout?.get())),
            deploy_timeout: Duration::from_secs(u64::from(deploy_timeout?.get())),
            memory_mib: memory?.get(),
            processes: processes?.get(),
            at_once: at_once.map_or_else(all_cores_but_one, |count| usize::from(count.get())),
        })
    }
}

/// One core is left to what serves.
fn all_cores_but_one() -> usize {
    available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1))
}
