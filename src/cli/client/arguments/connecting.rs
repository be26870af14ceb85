//! The commands that connect a project to a repository elsewhere.

use super::InProject;
use crate::model::hook::Provider;
use crate::model::id::HookId;
use crate::model::name::EnvironmentName;
use crate::model::preview::PreviewSettings;
use clap::{Args, Subcommand, ValueEnum};

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
        /// Make previews of pull requests; `gilgal hooks previews` says how many and for how long
        #[arg(long)]
        previews: bool,
        /// Tell there what becomes of each commit; a credential for the host is needed
        #[arg(long)]
        feedback: bool,
        /// Deploy what is pushed only once the checks of its commit have succeeded; a credential for the host is needed
        #[arg(long)]
        wait_for_checks: bool,
        /// Id of a hook, of another project perhaps, whose webhook there tells of this repository as well: that of an app
        #[arg(long, value_name = "HOOK")]
        via: Option<HookId>,
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
    /// List the previews of pull requests, let those of forks in, or remove one
    Previews {
        #[command(subcommand)]
        action: Option<PreviewsAction>,
        #[command(flatten)]
        project: InProject,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum PreviewsAction {
    /// List the previews, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Let a commit of a pull request from a fork in: it is built and run, without secrets
    Approve {
        /// Number of the pull request
        number: u64,
        /// The commit that you have looked at, or 16 digits of it: what was pushed since is not let in
        commit: String,
    },
    /// Remove a preview; the next push to its pull request makes it again
    #[command(aliases = ["rm", "delete"])]
    Remove {
        /// Number of the pull request
        number: u64,
    },
}

/// What is to be different of how a hook makes previews.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct PreviewOptions {
    /// Make none any more, and remove those that there are
    #[arg(long, conflicts_with_all = ["most", "days", "sleep"])]
    pub(in crate::cli::client) off: bool,
    /// How many the project may have at a time; 10 unless set
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=i64::from(PreviewSettings::MOST)))]
    pub(in crate::cli::client) most: Option<u32>,
    /// Days after the last push until one is removed; 7 unless set
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(PreviewSettings::MOST_DAYS)))]
    pub(in crate::cli::client) days: Option<u32>,
    /// Seconds without a request until one sleeps, 0 for never; 900 unless set
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=i64::from(PreviewSettings::LONGEST_SLEEP)))]
    pub(in crate::cli::client) sleep: Option<u32>,
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
        /// Take the signing token that GitLab has made: it is asked for, or read from standard input
        #[arg(long)]
        signing_token: bool,
    },
    /// Make previews of pull requests, or say how
    Previews {
        /// Hook: its id or the end of it; the only one unless given
        hook: Option<String>,
        #[command(flatten)]
        options: PreviewOptions,
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
            Self::Connect { project, .. } | Self::Hooks { project, .. } | Self::Previews { project, .. } => {
                project
            }
        }
    }
}
