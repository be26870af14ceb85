//! Repositories elsewhere that are connected to a project: a push there deploys here.
//!
//! | file | what |
//! |---|---|
//! | `provider`, `providers/` | one trait, and a file for each provider: how a delivery is signed, what is in it |
//! | `signature` | the comparisons, in constant time |
//! | `lanes` | one delivery of a connection at a time |
//! | `receive` | what becomes of a delivery: proved, read, decided once, written down |
//! | `checks` | whether the checks of a commit have succeeded |
//! | `late` | decisions that take longer than an answer may |
//! | `again` | asking once more for checks that nobody tells of |
//! | `named` | which repository a delivery is about |
//! | `decide` | whether what was read starts a deployment, and why not |
//! | `pull_requests` | what becomes of a pull request that a delivery is about |
//! | `previews` | making, approving and removing the previews of pull requests |
//! | `shared` | what comes for one connection and is about another |
//! | `manage` | making, changing and removing connections |
//!
//! Not here: fetching. What a delivery starts is a deployment from the repository that is connected, which fetches when
//! its turn comes; a delivery never says from where.

mod again;
mod checks;
mod decide;
mod error;
mod lanes;
mod late;
mod manage;
mod named;
mod previews;
mod provider;
mod providers;
mod pull_requests;
mod receive;
mod shared;
mod signature;

pub use self::error::HookError;
use self::lanes::Lanes;
pub use self::manage::{HookChange, NewHook};
pub use self::receive::{Incoming, Received};

use crate::auth::opaque_token::{self, Kind};
use crate::deployments::Deployments;
use crate::model::hook::seal_purpose;
use crate::model::id::HookId;
use crate::rate::Rate;
use crate::secrets::MasterKey;
use crate::sources::{Providers, Sources};
use crate::store::Store;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

/// How often it is noted that something has come that was not signed.
const REFUSAL_NOTED_EVERY: Duration = Duration::from_mins(1);

/// The connections of projects to repositories elsewhere.
#[derive(Clone)]
pub struct Hooks {
    store: Store,
    master_key: MasterKey,
    deployments: Deployments,
    providers: Providers,
    lanes: Arc<Lanes>,
    /// The same of those whose provider is asked, which may go on behind the answer.
    asking: Arc<Lanes>,
    /// Previews that one project may have, whatever its hooks say.
    most_previews: u32,
    /// What becomes of previews is decided one after the other: a push, an approval and a removal may come at once.
    deciding: Arc<Mutex<()>>,
    /// Tells whoever removes previews that there may be one.
    changed: Arc<Notify>,
    /// A secret that nobody knows, sealed: what comes for a connection that there is not is compared with it.
    decoy: Arc<str>,
    /// When it was noted last that something was not signed: the database is asked no more often.
    refusals: Arc<Rate<HookId>>,
}

impl Hooks {
    /// The connections as they are kept in a database, under a key. A project has at most so many previews.
    #[must_use]
    pub fn new(store: Store, master_key: MasterKey, deployments: Deployments, most_previews: u32) -> Self {
        let purpose = seal_purpose(nobody());
        let decoy = master_key.seal(&purpose, &opaque_token::generate(Kind::Hook)).into();
        let (lanes, asking, deciding, changed) =
            (Arc::default(), Arc::default(), Arc::default(), Arc::default());
        let sources = Sources::new(store.clone(), master_key.clone());
        let providers = Providers::new(sources, &deployments.outbound.guard);
        Self {
            store,
            master_key,
            deployments,
            providers,
            lanes,
            asking,
            most_previews,
            deciding,
            changed,
            decoy,
            refusals: Arc::new(Rate::new(NonZeroU32::MIN, REFUSAL_NOTED_EVERY)),
        }
    }
}

/// The id of no connection.
fn nobody() -> HookId {
    HookId::from_uuid(Uuid::nil())
}
