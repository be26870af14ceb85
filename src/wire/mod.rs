//! Request and response bodies, shared by the API, the command line and the dashboard.
//!
//! Shapes only: what a body holds, how it is read and written. Nothing here decides who may see it. A request is read
//! through [`form`], which reports every wrong field at once; a response is plain serde in both directions.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod canary;
pub mod config;
pub mod cron;
pub mod deployment;
pub mod dotenv;
pub mod drain;
pub mod elsewhere;
pub mod environment;
pub mod environment_fields;
pub mod error;
pub mod event;
pub mod form;
pub mod hook;
pub mod invitation;
pub mod key;
pub mod list;
pub mod log;
pub mod pins;
pub mod plan;
pub mod preview;
pub mod process;
pub mod project;
pub mod release;
pub mod run;
mod schema;
pub mod second_factor;
pub mod signing_key;
pub mod source;
pub mod system;
pub mod volume;
pub mod webhook;
