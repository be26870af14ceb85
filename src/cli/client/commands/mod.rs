//! One function a command.

mod account;
mod cancel;
mod completions;
mod create;
mod deployments;
mod destroy;
mod keys;
mod login;
mod logs;
mod project;
mod status;

use super::answer::Answer;
use super::arguments::{ClientCommand, DeploymentsAction, InProject, KeysAction};
use super::context::Context;
use super::failure::Failure;
use super::project::{Project, find};
use crate::cli::printer::Screen;
use crate::config::Variables;

/// Runs a command.
pub(super) async fn run(
    command: ClientCommand,
    variables: &Variables,
    screen: Screen,
) -> Result<Answer, Failure> {
    let connection = command.connection().clone();
    let context = || Context::new(&connection, variables, screen);
    match command {
        ClientCommand::Login { address, email, token, connection: _ } => {
            login::login(address, email, token, &connection, variables).await
        }
        ClientCommand::Logout { .. } => login::logout(&context()?, variables).await,
        ClientCommand::Whoami { .. } => account::whoami(&context()?).await,
        ClientCommand::Projects { .. } => project::list(&context()?).await,
        ClientCommand::Create { name, slug, remote, no_remote, connection: _ } => {
            let remote = (!no_remote).then_some(remote);
            create::create(&context()?, name, slug, remote.as_deref()).await
        }
        ClientCommand::Info { project } => Ok(project::info(&in_project(context()?, &project).await?.1)),
        ClientCommand::Open { project } => {
            let (context, project) = in_project(context()?, &project).await?;
            Ok(project::open(&context, &project, variables))
        }
        ClientCommand::Destroy { confirm, project } => {
            let (context, project) = in_project(context()?, &project).await?;
            destroy::destroy(&context, &project, confirm).await
        }
        ClientCommand::Deployments { status, limit, action, project } => {
            let (context, project) = (context()?, project.project.as_ref());
            match action {
                None => deployments::list(&context, project, status, limit).await,
                Some(DeploymentsAction::Show { deployment }) => {
                    deployments::show(&context, project, deployment.as_ref()).await
                }
                Some(DeploymentsAction::Attach { deployment }) => {
                    deployments::attach(&context, project, deployment.as_ref()).await
                }
                Some(DeploymentsAction::Cancel { deployment }) => {
                    cancel::cancel(&context, project, deployment.as_ref()).await
                }
            }
        }
        ClientCommand::Logs { deployment, follow, project } => {
            logs::logs(&context()?, project.project.as_ref(), deployment.as_ref(), follow).await
        }
        ClientCommand::Cancel { deployment, project } => {
            cancel::cancel(&context()?, project.project.as_ref(), deployment.as_ref()).await
        }
        ClientCommand::Keys { action, connection: _ } => match action {
            None => keys::list(&context()?).await,
            Some(KeysAction::Add { file, title }) => keys::add(&context()?, file, title, variables).await,
            Some(KeysAction::Remove { key }) => keys::remove(&context()?, &key).await,
        },
        ClientCommand::Status { project } => status::status(&context()?, project.project.as_ref()).await,
        ClientCommand::Completions { shell, connection: _ } => Ok(completions::completions(shell)),
    }
}

/// The project that is meant, with whom to ask about it.
async fn in_project(context: Context, project: &InProject) -> Result<(Context, Project), Failure> {
    let project = find(&context.api, project.project.as_ref()).await?;
    Ok((context, project))
}
