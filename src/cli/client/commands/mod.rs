//! One function a command.

mod account;
mod app_logs;
mod cancel;
mod completions;
mod config;
mod connect;
mod create;
mod deploying;
mod deployments;
mod destroy;
mod environments;
mod hooks;
mod keys;
mod login;
mod logs;
mod one_off;
pub(super) mod pins;
mod previews;
mod processes;
mod project;
mod releases;
mod status;
mod tokens;
mod webhooks;

use super::answer::Answer;
use super::arguments::{
    ClientCommand, ConfigAction, ConnectingCommand, DeploymentsAction, EnvironmentsAction, InEnvironment,
    InProject, KeysAction, ReleasesAction, TokensAction,
};
use super::context::Context;
use super::environment::Place;
use super::failure::Failure;
use super::project::{Project, find};
use crate::cli::printer::Screen;
use crate::config::Variables;
use crate::model::name::{EnvironmentName, Slug};

/// Runs a command.
pub(super) async fn run(
    command: ClientCommand,
    variables: &Variables,
    screen: Screen,
) -> Result<Answer, Failure> {
    let connection = command.connection().clone();
    let context = || Context::new(&connection, variables, screen);
    match command {
        ClientCommand::Login { address, email, token, code, connection: _ } => {
            login::login(address, (email, code), token, &connection, variables).await
        }
        ClientCommand::Logout { .. } => login::logout(&context()?, variables).await,
        ClientCommand::Whoami { .. } => account::whoami(&context()?).await,
        ClientCommand::Projects { deleted, connection: _ } => project::list(&context()?, deleted).await,
        ClientCommand::Create { name, slug, remote, no_remote, connection: _ } => {
            let remote = (!no_remote).then_some(remote);
            create::create(&context()?, name, slug, remote.as_deref()).await
        }
        ClientCommand::Info { project } => Ok(project::info(&in_project(context()?, &project).await?.1)),
        ClientCommand::Open { place } => {
            let context = context()?;
            let environment = place.environment.is_some();
            let place = Place::find(&context, &place).await?;
            project::open(&context, &place, environment, variables).await
        }
        ClientCommand::Destroy { confirm, now, project } => {
            destroy::destroy(&context()?, project.project.as_ref(), confirm, now).await
        }
        ClientCommand::Undelete { slug, connection: _ } => destroy::undelete(&context()?, &slug).await,
        ClientCommand::Deployments { status, limit, action, place } => {
            let (context, of) = (context()?, named(&place));
            match action {
                None | Some(DeploymentsAction::List) => deployments::list(&context, of, status, limit).await,
                Some(DeploymentsAction::Show { deployment }) => {
                    deployments::show(&context, of, deployment.as_ref()).await
                }
                Some(DeploymentsAction::Attach { deployment }) => {
                    deployments::attach(&context, of, deployment.as_ref()).await
                }
                Some(DeploymentsAction::Cancel { deployment }) => {
                    cancel::cancel(&context, of, deployment.as_ref()).await
                }
            }
        }
        ClientCommand::Logs { deployment: _, follow, app: true, process, lines, since, search, place } => {
            let context = context()?;
            let place = Place::find(&context, &place).await?;
            let wanted = app_logs::Wanted { process, lines, since, search, follow };
            app_logs::show(&context, &place, wanted).await
        }
        ClientCommand::Logs { deployment, follow, app: false, place, .. } => {
            logs::logs(&context()?, named(&place), deployment.as_ref(), follow).await
        }
        ClientCommand::Env { action, project } => {
            let (context, project) = in_project(context()?, &project).await?;
            environment(&context, project, action).await
        }
        ClientCommand::Config { action, place } => {
            let context = context()?;
            let place = Place::find(&context, &place).await?;
            configuration(&context, &place, action).await
        }
        ClientCommand::Ps { place } => {
            let context = context()?;
            processes::list(&context, &Place::find(&context, &place).await?).await
        }
        ClientCommand::Releases { action, place } => {
            let context = context()?;
            let place = Place::find(&context, &place).await?;
            match action {
                None | Some(ReleasesAction::List) => releases::list(&context, &place).await,
                Some(ReleasesAction::Info { version }) => releases::info(&context, &place, version).await,
            }
        }
        // Boxed: the largest of them.
        ClientCommand::Deploying(command) => Box::pin(deploying::run(&context()?, command)).await,
        ClientCommand::Connecting(ConnectingCommand::Connect {
            provider,
            repository,
            https,
            tags,
            previews,
            feedback,
            wait_for_checks,
            via,
            project,
        }) => {
            let (context, project) = in_project(context()?, &project).await?;
            let wanted = connect::Wanted {
                provider,
                repository: &repository,
                https,
                tags,
                previews,
                feedback,
                waits: wait_for_checks,
                via,
            };
            Box::pin(connect::connect(&context, &project, wanted)).await
        }
        ClientCommand::Connecting(ConnectingCommand::Previews { action, project }) => {
            let (context, project) = in_project(context()?, &project).await?;
            Box::pin(previews::run(&context, &project, action)).await
        }
        ClientCommand::Connecting(ConnectingCommand::Hooks { action, project }) => {
            let (context, project) = in_project(context()?, &project).await?;
            Box::pin(hooks::run(&context, &project, action)).await
        }
        ClientCommand::Cancel { deployment, place } => {
            cancel::cancel(&context()?, named(&place), deployment.as_ref()).await
        }
        ClientCommand::Keys { action, connection: _ } => match action {
            None | Some(KeysAction::List) => keys::list(&context()?).await,
            Some(KeysAction::Add { file, title }) => keys::add(&context()?, file, title, variables).await,
            Some(KeysAction::Remove { key }) => keys::remove(&context()?, &key).await,
        },
        ClientCommand::Tokens { action, connection: _ } => match action {
            None | Some(TokensAction::List) => tokens::list(&context()?).await,
            Some(TokensAction::Create { title, scope, expires }) => {
                tokens::create(&context()?, &title, scope, expires).await
            }
            Some(TokensAction::Rotate { key, overlap }) => tokens::rotate(&context()?, &key, overlap).await,
            Some(TokensAction::Revoke { key }) => tokens::revoke(&context()?, &key).await,
        },
        ClientCommand::Webhooks { action, project } => {
            let (context, project) = in_project(context()?, &project).await?;
            Box::pin(webhooks::run(&context, &project, action)).await
        }
        ClientCommand::Status { project } => status::status(&context()?, project.project.as_ref()).await,
        ClientCommand::Completions { shell, connection: _ } => Ok(completions::completions(shell)),
    }
}

/// The names that were typed, of a project and of an environment.
fn named(place: &InEnvironment) -> (Option<&Slug>, Option<&EnvironmentName>) {
    (place.project.project.as_ref(), place.environment.as_ref())
}

/// The project that is meant, with whom to ask about it.
async fn in_project(context: Context, project: &InProject) -> Result<(Context, Project), Failure> {
    let project = find(&context.api, project.project.as_ref()).await?;
    Ok((context, project))
}

async fn environment(
    context: &Context,
    project: Project,
    action: Option<EnvironmentsAction>,
) -> Result<Answer, Failure> {
    match action {
        None | Some(EnvironmentsAction::List) => environments::list(context, &project).await,
        Some(EnvironmentsAction::Create { name, branch }) => {
            environments::create(context, &project, &name, branch.as_ref()).await
        }
        Some(EnvironmentsAction::Info { name }) => {
            environments::info(context, &Place { project, name }).await
        }
        Some(EnvironmentsAction::Follow { name, branch, none: _ }) => {
            environments::follow(context, &Place { project, name }, branch.as_ref()).await
        }
        Some(EnvironmentsAction::Destroy { name, confirm }) => {
            environments::destroy(context, &Place { project, name }, confirm).await
        }
    }
}

async fn configuration(
    context: &Context,
    place: &Place,
    action: Option<ConfigAction>,
) -> Result<Answer, Failure> {
    match action {
        None | Some(ConfigAction::List) => config::list(context, place).await,
        Some(ConfigAction::Get { name }) => config::get(context, place, &name).await,
        Some(ConfigAction::Set { variables, manner }) => {
            config::set(context, place, &variables, manner).await
        }
        Some(ConfigAction::Unset { names, detach }) => config::unset(context, place, &names, detach).await,
        Some(ConfigAction::Previews { names, off }) => config::previews(context, place, &names, !off).await,
        Some(ConfigAction::Import { file, manner }) => {
            config::import(context, place, file.as_deref(), manner).await
        }
        Some(ConfigAction::Export) => config::export(context, place).await,
        Some(ConfigAction::History) => config::history(context, place).await,
    }
}
