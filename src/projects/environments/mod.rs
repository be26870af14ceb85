//! What can be done with the environments of a project.

mod change;
mod check;
mod create;
mod delete;
mod error;
mod find;

pub use self::change::{EnvironmentChange, Otherwise, change};
pub use self::create::{EnvironmentDraft, MOST_ENVIRONMENTS, create};
pub use self::delete::{disable, remove};
pub use self::error::EnvironmentError;
pub use self::find::{EnvironmentReference, find, find_by_id};
