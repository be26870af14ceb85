//! The pipeline that brings a commit live: steps that can run twice and be undone.
//!
//! [`pipeline`] moves a deployment through its states; each state's work is one file of [`steps`]. What a step has made
//! is written down before the next one starts, so that a server that was killed goes on from the record. The commit
//! point is the move to `switching`, which stores the release in the same transaction. A failure before it is undone
//! ([`undo`]); after it nothing fails: the router is swapped ([`serving`]), the branch moves, the old release is cleaned
//! up, again and again until it is done. [`reconcile`] keeps the router in step with where instances really are, and
//! removes what nobody wants any more, and [`heal`] starts what is missing; [`liveness`] asks what is live, and [`replace`]s what does not answer; [`sleep`] stops
//! what nobody asks for, and starts it again for the first who does.

mod addresses;
mod bounds;
mod canary;
mod cleanup;
mod config;
mod endings;
mod failpoint;
mod failure;
mod heal;
mod images;
mod instances;
mod liveness;
mod orphans;
mod patience;
mod pipeline;
mod previews;
mod reconcile;
mod replace;
mod restore;
mod room;
mod run;
mod serving;
mod setback;
mod sleep;
mod sleeper;
mod spare;
mod steps;
mod undo;

pub use endings::Endings;
pub use failpoint::Failpoints;
pub use liveness::Liveness;
pub use reconcile::Reconciler;
pub use sleep::Sleeping;
pub use sleeper::Sleeper;

use crate::build::{BuildLimits, Builder};
use crate::buildpack::Catalog;
use crate::config::Room;
use crate::engine::Engine;
use crate::git::Repositories;
use crate::jobs::{BuildTurns, Extras, Interrupts};
use crate::journal::Journal;
use crate::model::address::PublicAddress;
use crate::model::one_off::OneOffs;
use crate::model::process::Maxima;
use crate::model::vitals::Vitals;
use crate::outbound::Outbound;
use crate::registry::Registries;
use crate::router::RouterHandle;
use crate::secrets::MasterKey;
use crate::sources::{LargeFiles, Sources};
use crate::store::Store;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// What getting something from elsewhere needs, a repository or an image.
pub struct Elsewhere {
    /// Which hosts may be talked to.
    pub outbound: Outbound,
    pub sources: Sources,
    pub large_files: LargeFiles,
    pub registries: Registries,
    /// For one fetch, one pull or one push.
    pub timeout: Duration,
    /// By which git knows hosts over HTTPS; `None`: by what the system trusts.
    pub certificates: Option<PathBuf>,
    /// Of one fetch.
    pub most_bytes: u64,
    pub room: Room,
    /// The script that starts `ssh`.
    pub ssh_program: PathBuf,
}

/// Everything that deploying needs of the rest of the server.
pub struct Deployer {
    pub store: Store,
    pub journal: Journal,
    pub repositories: Repositories,
    pub catalog: Arc<Catalog>,
    pub builder: Arc<dyn Builder>,
    pub engine: Arc<dyn Engine>,
    pub router: RouterHandle,
    pub master_key: MasterKey,
    pub interrupts: Interrupts,
    /// Pushes of images that are live: nothing is lost without them.
    pub extras: Extras,
    pub address: PublicAddress,
    pub build_timeout: Duration,
    /// How long after its begin a deployment may go live.
    pub timeout: Duration,
    /// A place for each image that may be built at the same time.
    pub builds: Arc<BuildTurns>,
    pub elsewhere: Elsewhere,
    /// Images of an environment that are kept to roll back to, those of the newest releases: releases may share one.
    pub images_kept: u32,
    /// What projects may ask for.
    pub maxima: Maxima,
    /// What one command of a build may use.
    pub build_limits: BuildLimits,
    /// Held while "which release is current" is decided and the router is told: a reconciliation that has read the
    /// database before a switch must not tell the router after it.
    pub switching: Arc<Mutex<()>>,
    /// Commands that somebody talks to: no orphans.
    pub one_offs: OneOffs,
    /// Which live instances answer.
    pub vitals: Vitals,
    /// Told when the reconciler has something to do that it does not hear of from the engine.
    pub look_again: Arc<Notify>,
    /// Told when a deployment that was undone has left something behind.
    pub left_behind: Notify,
    /// Whose web instances are being stopped or started as nobody, or somebody, asks for them.
    pub sleeping: Sleeping,
    /// Old instances that end behind the deployment that has replaced them.
    pub endings: Endings,
    pub failpoints: Failpoints,
}
