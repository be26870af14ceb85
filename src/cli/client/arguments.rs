//! What can be typed: the commands that talk to a server, with their flags.

mod actions;
mod connecting;
mod deploying;
mod webhooks;

pub(in crate::cli) use actions::{
    ConfigAction, DeploymentsAction, EnvironmentsAction, KeysAction, Manner, ReleasesAction, TokensAction,
};
pub(in crate::cli) use connecting::{ConnectingCommand, HooksAction, PreviewOptions, PreviewsAction, Switch};
pub(in crate::cli) use deploying::DeployingCommand;
pub(in crate::cli) use webhooks::WebhooksAction;

use super::deployment::Reference;
use super::server::ServerUrl;
use crate::model::deployment::Status;
use crate::model::name::{Email, EnvironmentName, Slug};
use crate::model::time::Since;
use crate::model::title::Title;
use clap::{Args, Subcommand};
use clap_complete::Shell;

/// Which server is asked, and for whom the answer is.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Connection {
    /// Server to ask, instead of `GILGAL_URL` or the one that was logged in to last
    #[arg(long, value_name = "ADDRESS", global = true, display_order = 90)]
    pub(super) server: Option<ServerUrl>,
    /// Answer in JSON, for programs
    #[arg(long, global = true, display_order = 91)]
    pub(in crate::cli) json: bool,
}

/// Which project is meant.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct InProject {
    /// Project, instead of the one that a git remote of this folder points at
    #[arg(short, long, value_name = "SLUG", global = true, display_order = 80)]
    pub(super) project: Option<Slug>,
    #[command(flatten)]
    pub(in crate::cli) connection: Connection,
}

/// Which environment of which project is meant.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct InEnvironment {
    /// Environment, instead of `production`
    #[arg(short, long, value_name = "NAME", global = true, display_order = 79)]
    pub(super) environment: Option<EnvironmentName>,
    #[command(flatten)]
    pub(in crate::cli) project: InProject,
}

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ClientCommand {
    /// Log in to a server, and keep the login for the commands that follow
    Login {
        /// Address of the server's API: `https://gilgal.example.com`
        address: Option<ServerUrl>,
        /// E-mail address of the account, instead of being asked for it
        #[arg(long, value_name = "ADDRESS")]
        email: Option<Email>,
        /// Use this token instead of a password; without a value it is asked for
        #[arg(long, value_name = "TOKEN", num_args = 0..=1, default_missing_value = "", conflicts_with = "email")]
        token: Option<String>,
        /// Code of the second factor, or a recovery code, instead of being asked for it
        #[arg(long, value_name = "CODE", conflicts_with = "token")]
        code: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// End the login
    Logout {
        #[command(flatten)]
        connection: Connection,
    },
    /// Show who is logged in, and where
    Whoami {
        #[command(flatten)]
        connection: Connection,
    },
    /// List your projects
    #[command(alias = "apps")]
    Projects {
        /// Those that were deleted and can still be brought back
        #[arg(long)]
        deleted: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Create a project, and add it to this repository as the git remote `gilgal`
    Create {
        /// Name of the project; the name of this folder unless given
        name: Option<Title>,
        /// Slug of the project, in its URLs; made of the name unless given
        #[arg(long)]
        slug: Option<Slug>,
        /// Name of the git remote
        #[arg(long, value_name = "NAME", default_value = super::project::REMOTE)]
        remote: String,
        /// Add no git remote
        #[arg(long)]
        no_remote: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show a project
    Info {
        #[command(flatten)]
        project: InProject,
    },
    /// Open the app in the browser
    Open {
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Delete a project: nothing of it is served any more, and for a week (or as the server has it) it can be brought back
    #[command(alias = "delete")]
    Destroy {
        /// The project's slug once more, instead of being asked for it
        #[arg(long, value_name = "SLUG")]
        confirm: Option<String>,
        /// Remove it at once and for good, also one that was deleted before
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        project: InProject,
    },
    /// Bring a deleted project back, with what it had live
    Undelete {
        /// Slug of the project: `gilgal projects --deleted` lists those that can be brought back
        slug: Slug,
        #[command(flatten)]
        connection: Connection,
    },
    /// List the environments of a project, or make, change and remove them
    #[command(aliases = ["envs", "environments"])]
    Env {
        #[command(subcommand)]
        action: Option<EnvironmentsAction>,
        #[command(flatten)]
        project: InProject,
    },
    /// List the config vars of an environment, or change them
    #[command(alias = "vars")]
    Config {
        #[command(subcommand)]
        action: Option<ConfigAction>,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Show what runs
    Ps {
        #[command(flatten)]
        place: InEnvironment,
    },
    /// List the releases of an environment, or show one
    Releases {
        #[command(subcommand)]
        action: Option<ReleasesAction>,
        #[command(flatten)]
        place: InEnvironment,
    },
    #[command(flatten)]
    Deploying(DeployingCommand),
    #[command(flatten)]
    Connecting(ConnectingCommand),
    /// List the deployments of a project, or do something with one
    Deployments {
        /// Only those with this status
        #[arg(long, value_parser = status)]
        status: Option<Status>,
        /// How many, newest first
        #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
        #[command(subcommand)]
        action: Option<DeploymentsAction>,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Show the log of a deployment, or what the app prints
    Logs {
        /// Deployment: its id, the end of it, or a release such as v7; the newest one unless given
        #[arg(long, short, value_name = "DEPLOYMENT")]
        deployment: Option<Reference>,
        /// Go on until the deployment has ended; with `--app`, until Ctrl-C
        #[arg(long, short, alias = "tail", short_alias = 't')]
        follow: bool,
        /// What the instances of the app print
        #[arg(long, conflicts_with = "deployment")]
        app: bool,
        /// With `--app`: of this process type or instance only: `web`, `web.1`
        #[arg(long, value_name = "PROCESS", requires = "app", alias = "ps")]
        process: Option<String>,
        /// With `--app`: how many lines that were printed already
        #[arg(long, short = 'n', alias = "num", value_name = "NUMBER", requires = "app", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        lines: u16,
        /// With `--app`: nothing that was printed before: `1h` ago, or a time
        #[arg(long, value_name = "AGO", requires = "app")]
        since: Option<Since>,
        /// With `--app`: lines with this text only
        #[arg(long, value_name = "TEXT", requires = "app")]
        search: Option<String>,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Cancel a deployment that is not live yet
    Cancel {
        /// Deployment; the newest one unless given
        deployment: Option<Reference>,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// List your SSH keys, or add and remove them
    Keys {
        #[command(subcommand)]
        action: Option<KeysAction>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List your API keys, or make, replace and revoke them
    Tokens {
        #[command(subcommand)]
        action: Option<TokensAction>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List the webhooks of a project, or make, test and remove them
    #[command(alias = "notifications")]
    Webhooks {
        #[command(subcommand)]
        action: Option<WebhooksAction>,
        #[command(flatten)]
        project: InProject,
    },
    /// Show how the server is, and the project of this folder
    Status {
        #[command(flatten)]
        project: InProject,
    },
    /// Print a script that completes commands in a shell
    Completions {
        shell: Shell,
        #[command(flatten)]
        connection: Connection,
    },
}

impl ClientCommand {
    /// The flags that every command has.
    pub(super) const fn connection(&self) -> &Connection {
        match self {
            Self::Login { connection, .. }
            | Self::Logout { connection }
            | Self::Whoami { connection }
            | Self::Projects { connection, .. }
            | Self::Undelete { connection, .. }
            | Self::Create { connection, .. }
            | Self::Keys { connection, .. }
            | Self::Tokens { connection, .. }
            | Self::Completions { connection, .. } => connection,
            Self::Info { project }
            | Self::Destroy { project, .. }
            | Self::Env { project, .. }
            | Self::Webhooks { project, .. }
            | Self::Status { project } => &project.connection,
            Self::Config { place, .. }
            | Self::Ps { place }
            | Self::Open { place }
            | Self::Deployments { place, .. }
            | Self::Cancel { place, .. }
            | Self::Releases { place, .. }
            | Self::Logs { place, .. } => &place.project.connection,
            Self::Deploying(command) => &command.place().project.connection,
            Self::Connecting(command) => &command.project().connection,
        }
    }
}

/// A status by the word of the API.
fn status(word: &str) -> Result<Status, String> {
    let value = serde_json::Value::String(word.to_owned());
    serde_json::from_value(value)
        .map_err(|_| "use queued, building, deploying, success, failed, cancelled or superseded".to_owned())
}
