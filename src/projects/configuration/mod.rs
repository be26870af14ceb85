//! What is set for an environment beside its settings: config vars and configuration files.
//!
//! A change is decided on what is set at that moment, sealed, stored and noted in one transaction, whatever it consists
//! of. It answers with what the running app needs to have it: nothing, a restart, or a new build.

mod effect;
mod error;
mod files;
mod variables;

pub use self::effect::Effect;
pub use self::error::{ConfigurationError, FileFault, VariableFault};
pub use self::files::{FileDraft, KnownFile, ShownFile, file, files, put_file, remove_file};
pub use self::variables::{ShownVariable, VariableDraft, change_variables, export, variables};

use crate::model::config_file::ConfigEdit;
use crate::model::environment::Environment;
use crate::model::id::UserId;
use crate::secrets::MasterKey;
use crate::store::Store;

/// Whose configuration is changed, by whom, and what is needed for it.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    pub store: &'a Store,
    pub key: &'a MasterKey,
    pub environment: &'a Environment,
    pub author: UserId,
    /// Told as soon as something is stored, whatever comes of the rest.
    pub stored: &'a (dyn Fn() + Sync),
}

/// What a change has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Empty: everything was so already.
    pub edits: Vec<ConfigEdit>,
    pub effect: Effect,
}
