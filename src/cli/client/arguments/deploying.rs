//! The commands that change what runs.

use super::InEnvironment;
use crate::cli::client::deployment::Reference;
use crate::cli::client::processes::Count;
use crate::cli::client::releases::Version;
use crate::model::name::EnvironmentName;
use clap::Subcommand;

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum DeployingCommand {
    /// Deploy a folder, or a branch or commit that was pushed before
    Deploy {
        /// Branch or commit of the project's repository, or a folder such as `./app`; the files of this folder unless given
        #[arg(value_name = "SOURCE")]
        reference: Option<String>,
        /// An image of a registry, run as it is: `ghcr.io/a/b:1`
        #[arg(long, conflicts_with_all = ["reference", "repository"])]
        image: Option<String>,
        /// A repository elsewhere: `https://code.example/a/b.git`
        #[arg(long, value_name = "URL", conflicts_with = "reference")]
        repository: Option<String>,
        /// Branch, tag or commit of `--repository`
        #[arg(long, value_name = "NAME", requires = "repository")]
        at: Option<String>,
        /// Build every layer anew
        #[arg(long)]
        no_cache: bool,
        /// Do not wait until it is live
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Deploy again what is live, by where it came from, or the commit of a deployment
    Redeploy {
        /// Deployment: its id, the end of it, or a release such as v7
        deployment: Option<Reference>,
        /// Do not wait until it is live
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Make an earlier release live again: image, config and formation together
    Rollback {
        /// Release: `v7`; the one before the current one unless given
        version: Option<Version>,
        /// Build its commit again, for when its image is gone
        #[arg(long)]
        rebuild: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Do not wait until it is live
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Bring the current release to another environment, without a build
    Promote {
        /// Environment that it comes to
        #[arg(long, value_name = "NAME")]
        to: EnvironmentName,
        /// Do not wait until it is live
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Set how many instances run, or show how many are set
    Scale {
        /// `web=2 worker=1`; what is not named stays
        #[arg(value_name = "PROCESS=NUMBER")]
        counts: Vec<Count>,
        /// Do not wait until it is so
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Replace every instance by a new one
    Restart {
        /// Do not wait until they are replaced
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        place: InEnvironment,
    },
    /// Run a command beside the app, on your terminal
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
        #[command(flatten)]
        place: InEnvironment,
    },
}

impl DeployingCommand {
    /// Where it is done.
    pub(in crate::cli::client) const fn place(&self) -> &InEnvironment {
        match self {
            Self::Deploy { place, .. }
            | Self::Redeploy { place, .. }
            | Self::Rollback { place, .. }
            | Self::Promote { place, .. }
            | Self::Scale { place, .. }
            | Self::Restart { place, .. }
            | Self::Run { place, .. } => place,
        }
    }
}
