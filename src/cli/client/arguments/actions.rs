//! What can be done to the things that a command lists.

use crate::cli::client::deployment::Reference;
use crate::cli::client::releases::Version;
use crate::model::environment::ConfigScope;
use crate::model::name::{BranchName, ConfigName, EnvironmentName};
use crate::model::scope::Scope;
use crate::model::title::Title;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum DeploymentsAction {
    /// List the deployments, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Show a deployment with its steps
    #[command(alias = "info")]
    Show {
        /// Deployment: its id, the end of it, or a release such as v7; the newest one unless given
        deployment: Option<Reference>,
    },
    /// Follow a deployment until it has ended
    #[command(alias = "follow")]
    Attach {
        /// Deployment; the newest one unless given
        deployment: Option<Reference>,
    },
    /// Cancel a deployment that is not live yet
    Cancel {
        /// Deployment; the newest one unless given
        deployment: Option<Reference>,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum KeysAction {
    /// List the keys, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Add a public key, so that its private half may push
    Add {
        /// File with the public key; the first of `~/.ssh/id_ed25519.pub`, `id_ecdsa.pub` and `id_rsa.pub` unless given
        file: Option<PathBuf>,
        /// Title of the key; its comment unless given
        #[arg(long)]
        title: Option<Title>,
    },
    /// Remove a key
    #[command(aliases = ["rm", "delete"])]
    Remove {
        /// Title, fingerprint or id of the key
        key: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum EnvironmentsAction {
    /// List the environments, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Make an environment
    #[command(alias = "add")]
    Create {
        name: EnvironmentName,
        /// Branch that is deployed to it when it is pushed; none unless given
        #[arg(long)]
        branch: Option<BranchName>,
    },
    /// Show an environment
    #[command(alias = "show")]
    Info { name: EnvironmentName },
    /// Let an environment follow another branch
    Follow {
        name: EnvironmentName,
        /// The branch; a push to it deploys to the environment
        #[arg(required_unless_present = "none")]
        branch: Option<BranchName>,
        /// Follow no branch any more
        #[arg(long, conflicts_with = "branch")]
        none: bool,
    },
    /// Remove an environment with its config and its releases
    #[command(aliases = ["remove", "rm", "delete"])]
    Destroy {
        name: EnvironmentName,
        /// The name once more, instead of being asked for it
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

/// How config vars are set, beside their values.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct Manner {
    /// Never show the values again
    #[arg(long)]
    pub(in crate::cli::client) secret: bool,
    /// Who has them: `runtime`, `build` or `both`
    #[arg(long, value_parser = scope_of_config)]
    pub(in crate::cli::client) scope: Option<ConfigScope>,
    /// Do not wait for the deployment that brings them to the app
    #[arg(long)]
    pub(in crate::cli::client) detach: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ConfigAction {
    /// List the config vars, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Print the value of a config var
    Get { name: ConfigName },
    /// Set config vars, all in one release
    Set {
        /// `NAME=VALUE`; of a `NAME` alone the value is asked for, so that no shell remembers it
        #[arg(required = true, value_name = "NAME=VALUE")]
        variables: Vec<String>,
        #[command(flatten)]
        manner: Manner,
    },
    /// Remove config vars
    #[command(aliases = ["remove", "rm", "delete"])]
    Unset {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<ConfigName>,
        /// Do not wait for the deployment that takes them from the app
        #[arg(long)]
        detach: bool,
    },
    /// Let previews of pull requests have config vars
    Previews {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<ConfigName>,
        /// Let them have these no more
        #[arg(long)]
        off: bool,
    },
    /// Set the config vars of a `.env` file
    Import {
        /// The file; standard input unless given
        file: Option<PathBuf>,
        #[command(flatten)]
        manner: Manner,
    },
    /// Print the config vars as a `.env` file; secrets are named in comments
    Export,
    /// Show who changed which names, newest first
    History,
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ReleasesAction {
    /// List the releases, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Show a release, and what is different from the one before
    #[command(alias = "show")]
    Info {
        /// Release: `v7`
        version: Version,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum TokensAction {
    /// List the API keys, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Make an API key; it is shown once
    Create {
        title: Title,
        /// How far it reaches: `read`, `deploy`, `write` or `admin`
        #[arg(long, value_parser = scope_of_key)]
        scope: Option<Scope>,
        /// Days until it expires; it does not unless given
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
        expires: Option<u16>,
    },
    /// Replace an API key by another one of the same reach; it is shown once
    Rotate {
        /// Title or id of the key
        key: String,
        /// Seconds for which the old one is accepted too, a week (604800) at most
        #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=604_800))]
        overlap: u32,
    },
    /// End an API key
    #[command(aliases = ["remove", "rm", "delete", "destroy"])]
    Revoke {
        /// Title or id of the key
        key: String,
    },
}

fn scope_of_config(word: &str) -> Result<ConfigScope, String> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|_| "use runtime, build or both".to_owned())
}

fn scope_of_key(word: &str) -> Result<Scope, String> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|_| "use read, deploy, write or admin".to_owned())
}
