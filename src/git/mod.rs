//! Bare repositories: the only folder that knows git2 and starts git.
//!
//! The receiving and the sending of packs is git's own work ([`service`]); everything that reads or moves objects and
//! references of a repository at rest goes through git2. A build context and the files that detection looks at come
//! straight from the object store: there is no checkout, and so no `.git` folder that a build could reach. [`WorkTree`] is the
//! other side: a developer's own repository, for the commands that are typed in it.

mod bounds;
mod bundle;
mod changes;
mod chunks;
mod commit;
mod context;
mod entry_path;
mod fetch;
mod fetch_failure;
mod fetch_folder;
mod hooks;
mod ignore;
mod incoming;
mod large_files;
mod maintain;
mod process;
mod references;
mod repository;
mod service;
mod settings;
mod submodules;
mod sweep;
mod tree;
mod unpack;
mod unpacked;
mod upload;
mod work_tree;

pub use commit::Authorship;
pub use context::{Context, ContextReport, Included};
pub use fetch::{Access, Fetch, FetchReport};
pub use fetch_failure::FetchError;
pub use hooks::install as install_hooks;
pub use incoming::ObjectKind;
pub use process::{GitProcess, SpawnError, version};
pub use references::{BranchMove, MoveError, Pin, names_hidden_reference};
pub use repository::{GitError, Repositories, Repository};
pub use service::{GitProtocol, PushEnvironment, Service};
pub use submodules::Submodule;
pub use sweep::remove_leftovers;
pub use tree::GitTree;
pub use unpack::Refused;
pub use upload::{UnpackingTurn, Upload, UploadError};
pub use work_tree::{Remote, WorkTree};
