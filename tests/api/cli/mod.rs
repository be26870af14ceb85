//! The command line against a real server: whole screens, as people see them.

mod deployments;
mod login;
mod projects;
mod refusals;
mod screens;
mod terminal;
mod window;
