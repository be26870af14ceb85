//! Settings: every environment variable and every line of `server.toml`, named and documented once.
//!
//! A setting is looked up in the environment first, then in `server.toml` in the server's home, then its default
//! counts. [`Settings::load`] reports all mistakes at once. No other folder reads the environment.
//! `server.toml` configures the server; `gilgal.toml` in a repository configures a project: two files, two things.

mod budget;
mod building;
mod catalogue;
mod disk;
mod fetch;
mod home;
mod lists;
mod lookup;
mod notifications;
mod settings;
mod values;

pub use budget::DiskBudget;
pub use building::BuildSettings;
pub use catalogue::{SETTINGS, Setting};
pub use disk::{Disk, DiskSpace, NoRoom, Room, disk_space, free_bytes, used_bytes};
pub use fetch::FetchSettings;
pub use home::{EmptyHome, Home, HomeError, KEPT_FILES, KeysHeld};
pub(crate) use home::{read_or_create, write_whole};
pub use lookup::{Mistake, Mistakes, Variables};
pub use notifications::NotificationSettings;
pub use settings::{LogFormat, Mode, Registration, Settings};
