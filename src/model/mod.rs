//! The nouns of Gilgal and their rules.
//!
//! Everything here is plain data and pure functions: no async, no network, no disk. A value that exists is valid,
//! because the only way to make one is to parse it (`"shop".parse::<Slug>()`) or to move it by its own rules
//! ([`deployment::DeploymentState::next`]). What *does* things lives in the modules above.

pub mod address;
pub mod admission;
pub mod basis;
pub mod config;
pub mod config_file;
pub mod deployment;
pub mod environment;
pub mod id;
pub mod instance;
pub mod log;
pub mod name;
pub mod one_off;
pub mod password;
pub mod plan;
pub mod process;
pub mod project;
pub mod release;
pub mod release_diff;
pub mod route;
pub mod secret;
pub mod source;
pub mod time;
pub mod title;
pub mod user;
