//! The commands that connect a project to a repository elsewhere.

use super::InProject;
use crate::model::hook::Provider;
use crate::model::name::EnvironmentName;
use clap::{Subcommand, ValueEnum};

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ConnectingCommand {
    /// Connect a project to a repository elsewhere: a push there deploys here. Says step by step what to enter there
    Connect {
        /// Where the repository is: `github`, `gitlab`, `gitea` (Forgejo too), `bitbucket` or `custom`
        provider: Provider,
        /// The repository: `ada/shop` at github.com, gitlab.com and bitbucket.org, else its URL
        repository: String,
        /// Fetch `ada/shop` over HTTPS, without a deploy key: a public repository, or one with a credential
        #[arg(long)]
        https: bool,
        /// Environment that tags are deployed to; they are not unless given
        #[arg(long, value_name = "ENVIRONMENT")]
        tags: Option<EnvironmentName>,
        /// Tell there what becomes of each commit; a credential for the host is needed
        #[arg(long)]
        feedback: bool,
        /// Deploy what is pushed only once the checks of its commit have succeeded; a credential for the host is needed
        #[arg(long)]
        wait_for_checks: bool,
        #[command(flatten)]
        project: InProject,
    },
    /// List the hooks of a project, or do something with one
    Hooks {
        #[command(subcommand)]
        action: Option<HooksAction>,
        #[command(flatten)]
        project: InProject,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum HooksAction {
    /// List the hooks, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// List what has come, newest first, and what became of it
    Deliveries {
        /// Hook: its id or the end of it; the only one unless given
        hook: Option<String>,
        /// How many
        #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
    },
    /// Do once more what a delivery asks for
    Redeliver {
        /// Delivery: its id or the end of it
        delivery: String,
        /// Hook that it has come for; the only one unless given
        #[arg(long)]
        hook: Option<String>,
    },
    /// Give a hook another secret; it is shown once
    Rotate {
        /// Hook: its id or the end of it; the only one unless given
        hook: Option<String>,
        /// Seconds for which the old one is taken too, a week (604800) at most
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32).range(..=604_800))]
        overlap: u32,
    },
    /// Change a hook
    Set {
        /// Hook: its id or the end of it; the only one unless given
        hook: Option<String>,
        /// Whether to tell there what becomes of each commit: `on` or `off`
        #[arg(long, value_name = "SWITCH", required_unless_present = "wait_for_checks")]
        feedback: Option<Switch>,
        /// Whether to deploy what is pushed only once the checks of its commit have succeeded: `on` or `off`
        #[arg(long, value_name = "SWITCH")]
        wait_for_checks: Option<Switch>,
    },
    /// Let what comes start nothing
    Disable {
        /// Hook: its id or the end of it; the only one unless given
        hook: Option<String>,
    },
    /// Let what comes start deployments again
    Enable {
        /// Hook: its id or the end of it; the only one unless given
        hook: Option<String>,
    },
    /// Remove a hook with its deliveries
    #[command(aliases = ["rm", "delete"])]
    Remove {
        /// Hook: its id or the end of it; the only one unless given
        hook: Option<String>,
    },
}

impl ConnectingCommand {
    /// Which project is meant.
    pub(in crate::cli::client) const fn project(&self) -> &InProject {
        match self {
            Self::Connect { project, .. } | Self::Hooks { project, .. } => project,
        }
    }
}
