//! What can be done with projects.
//!
//! One use case a file. Each takes values that are valid by their type and an account that is known; it decides whether
//! the account may, and does it. HTTP and SSH are not known here.

mod cleanup;
mod condition;
pub mod configuration;
mod create;
mod delete;
pub mod environments;
mod error;
mod find;
mod update;

pub use self::cleanup::{CleanupError, ProjectCleanup};
pub use self::condition::conditions;
pub use self::create::{ProjectDraft, create};
pub use self::delete::{delete, find_even_deleted, remove, undelete, withdraw};
pub use self::error::ProjectError;
pub use self::find::{ProjectReference, find, find_by_id, list};

use self::find::look_up;
pub use self::update::{Overwrite, rename};
