//! What is got from elsewhere, and from where.

use super::catalogue as names;
use super::lists::{Networks, Schemes};
use super::lookup::Lookup;
use crate::model::repository_url::Scheme;
use ipnet::IpNet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// Repositories and images of other hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// How repositories may be reached.
    pub schemes: Vec<Scheme>,
    /// What may be reached although it is no part of the internet.
    pub allow_networks: Vec<IpNet>,
    /// For one fetch or one pull.
    pub timeout: Duration,
    /// By which hosts are known over HTTPS; `None`: by what the system trusts.
    pub certificates: Option<PathBuf>,
}

impl FetchSettings {
    /// Reads its settings; `None` after a mistake, which ends the start.
    pub(super) fn read(lookup: &mut Lookup) -> Option<Self> {
        let schemes = lookup.required::<Schemes>(names::FETCH_SCHEMES, "a list of https, ssh and http");
        let networks =
            lookup.optional::<Networks>(names::FETCH_ALLOW_NETWORKS, "networks such as 10.1.0.0/16");
        let timeout = lookup.required::<NonZeroU32>(names::FETCH_TIMEOUT_SECONDS, "a number of seconds");
        let certificates = lookup.optional::<PathBuf>(names::CERTIFICATES, "a file");
        Some(Self {
            certificates,
            schemes: schemes?.0,
            allow_networks: networks.map(|networks| networks.0).unwrap_or_default(),
            timeout: Duration::from_secs(u64::from(timeout?.get())),
        })
    }
}
