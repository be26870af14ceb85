//! The nouns of Gilgal and their rules.
//!
//! Everything here is plain data and pure functions: no async, no network, no disk. A value that exists is valid,
//! because the only way to make one is to parse it (`"shop".parse::<Slug>()`) or to move it by its own rules
//! ([`deployment::DeploymentState::next`]). What *does* things lives in the modules above.

pub mod address;
pub mod admission;
pub mod api_key;
pub mod audit;
pub mod basis;
pub mod config;
pub mod config_file;
pub mod cron;
pub mod deployment;
pub mod drain;
pub mod elsewhere;
pub mod environment;
pub mod feedback;
pub mod hook;
pub mod id;
pub mod image;
pub mod instance;
pub mod invitation;
pub mod large_file;
pub mod log;
pub mod name;
pub mod one_off;
pub mod origin;
pub mod password;
pub mod pins;
pub mod plan;
pub mod preview;
pub mod process;
pub mod project;
pub mod release;
pub mod release_diff;
pub mod remote;
pub mod remote_host;
pub mod report;
pub mod repository_url;
pub mod route;
pub mod scope;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod setting_times;
pub mod signing_key;
pub mod signing_token;
pub mod source;
pub mod ssh_public_key;
pub mod terminal_text;
pub mod time;
pub mod title;
pub mod user;
pub mod vitals;
pub mod volume;
pub mod webhook;
