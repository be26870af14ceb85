//! Front door for people at a terminal: one function a command, and one place that prints.

mod adopt;
mod backup;
mod client;
mod colon;
mod db;
mod detected;
mod disk;
mod doctor;
mod eject;
mod local;
mod plan;
mod printer;
mod reference;
mod restore;
mod secrets;
mod serve;
mod settings;
mod volume_archive;
mod volumes;

use crate::config::Variables;
use crate::receive::hook::HookEnvironment;
use crate::receive::{HookName, MAX_OPTIONS};
use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code for a mistake in the settings or on the command line.
const USAGE: u8 = 2;

/// Push options that a hook passes on. One more than the server takes, so that it can say that they are too many.
const MAX_OPTIONS_READ: usize = MAX_OPTIONS + 1;

/// Self-hosted deployments: `git push gilgal main`, and it is live.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Client(client::arguments::ClientCommand),
    /// Run the server: git over SSH, the API, and the router of the apps
    Serve,
    /// Show how a project would be built and started
    Plan {
        /// Folder of the project
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The Dockerfile that would be built
        #[arg(long, conflicts_with = "json")]
        dockerfile: bool,
        /// Folder with buildpacks of your own, which add to those of this program or take their place
        #[arg(long, value_name = "FOLDER")]
        buildpacks: Option<PathBuf>,
        /// Let the next build on the server take the newest versions and base images, instead of those it has kept
        #[arg(long, conflicts_with_all = ["folder", "dockerfile", "buildpacks"])]
        upgrade: bool,
        #[command(flatten)]
        place: client::arguments::InEnvironment,
    },
    /// Write the Dockerfile that a push would build with into the project, to own it
    Eject {
        /// Folder of the project
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Overwrite files that are there
        #[arg(long)]
        force: bool,
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of gilgal.toml, for editors
    Schema,
    /// Check everything that the server needs, and say what to do
    Doctor {
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Show who uses how much of the disks, and what could go
    Disk {
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// List every setting with its meaning
    Settings {
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Give the database at `DATABASE_URL` to this home, after `serve` has refused it; the server must not run
    AdoptDatabase {
        /// Whose the database is until now: the id that `serve` has named, or `nobody`
        owner: adopt::Owner,
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Write the whole server into one file, while it runs: home, database, repositories and keys
    Backup {
        /// The file to make, mode 0600; `-` for standard output
        file: PathBuf,
        /// Overwrite a file that is there, once the new one is whole
        #[arg(long)]
        replace: bool,
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Put a backup into an empty home and an empty database
    Restore {
        /// What `gilgal backup` has made; `-` for standard input
        file: PathBuf,
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// The volumes of the apps: list them, write one into a file, and put it back
    Volumes {
        /// Answer in JSON, for programs
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: volumes::VolumesCommand,
    },
    /// Work on the database of this home, for who develops gilgal; the server must not run
    Db {
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Print docs/cli.md
    #[command(hide = true)]
    Reference,
    /// What secrets are sealed with
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Run as a hook of git; started by the server only
    #[command(hide = true)]
    Hook { name: String },
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// Make two accounts with a project each, deployments with logs, and API keys
    Seed {
        /// Also where there are accounts already
        #[arg(long)]
        add: bool,
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum SecretsCommand {
    /// Make a new master key, and seal everything with it; the server must not run
    Rotate {
        /// Answer in JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments =
        Arguments::try_parse().unwrap_or_else(|error| colon::explained(error, &Arguments::command()).exit());
    let variables = Variables::of_this_process();
    match arguments.command {
        Command::Client(command) => client::run(command, &variables),
        Command::Serve => serve::serve(&variables),
        Command::Plan { upgrade: true, place, .. } => client::upgrade(&place, &variables),
        Command::Plan { folder, dockerfile, buildpacks, upgrade: false, place } => {
            let format = plan::Format::new(place.project.connection.json, dockerfile);
            plan::plan(&folder, buildpacks.as_deref(), format)
        }
        Command::Eject { folder, force, json } => eject::eject(&folder, force, json),
        Command::Schema => schema(),
        Command::Doctor { json } => doctor::doctor(&variables, json),
        Command::Disk { json } => disk::disk(&variables, json),
        Command::Settings { json } => settings::settings(json),
        Command::AdoptDatabase { owner, json } => adopt::adopt(&variables, owner, json),
        Command::Backup { file, replace, json } => backup::backup(&variables, &file, replace, json),
        Command::Restore { file, json } => restore::restore(&variables, &file, json),
        Command::Volumes { command, json } => volumes::volumes(&variables, &command, json),
        Command::Db { command: DbCommand::Seed { add, json } } => db::fill(&variables, add, json),
        Command::Reference => reference::reference(),
        Command::Secrets { command: SecretsCommand::Rotate { json } } => secrets::rotate(&variables, json),
        Command::Hook { name } => hook(&name, &variables),
    }
}

/// What the server and git have put into the environment of a hook (githooks(5)).
fn hook_environment(variables: &Variables) -> Option<HookEnvironment> {
    let count =
        variables.get("GIT_PUSH_OPTION_COUNT").and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    let option =
        |index: usize| variables.get(&format!("GIT_PUSH_OPTION_{index}")).unwrap_or_default().to_owned();
    Some(HookEnvironment {
        socket: variables.get("GILGAL_HOOK_SOCKET")?.into(),
        push: variables.get("GILGAL_PUSH")?.to_owned(),
        options: (0..count.min(MAX_OPTIONS_READ)).map(option).collect(),
        quarantine: variables.get("GIT_QUARANTINE_PATH").map(Into::into),
    })
}

fn schema() -> ExitCode {
    match serde_json::to_string_pretty(&crate::buildpack::project_file::schema()) {
        Ok(text) => printer::line(&text),
        Err(error) => printer::error(&error.to_string()),
    }
    ExitCode::SUCCESS
}

fn hook(name: &str, variables: &Variables) -> ExitCode {
    let (Ok(hook), Some(environment)) = (name.parse::<HookName>(), hook_environment(variables)) else {
        printer::error("This command is for the hooks of a push, which the server starts.");
        return ExitCode::from(USAGE);
    };
    match crate::receive::hook::run(hook, &environment) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            printer::error(&format!(" !     The server cannot be asked: {error}. Push again in a moment."));
            ExitCode::FAILURE
        }
    }
}
