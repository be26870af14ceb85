//! The command line against a real server: whole screens, as people see them.

mod config;
mod deploying;
mod deployments;
mod environments;
mod hooks;
mod login;
mod previews;
mod processes;
mod projects;
mod refusals;
mod releases;
mod screens;
mod terminal;
mod tokens;
mod webhooks;
mod window;
