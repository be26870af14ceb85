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
pub use self::condition::condition;
pub use self::create::{ProjectDraft, create};
pub use self::delete::delete;
pub use self::error::ProjectError;
pub use self::find::{ProjectReference, find, find_by_id, list};
pub use self::update::{Overwrite, rename};
