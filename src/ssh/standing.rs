//! Taking an environment out of service and putting it back, over SSH.

use super::commands::{follow, not_queued};
use super::find;
use super::front::Front;
use super::output::Output;
use super::session::Refusal;
use crate::auth::access::Action;
use crate::model::user::User;
use crate::projects::{self, Overwrite};

/// Answers requests with a page that says that the app is being worked on, or lets them through again.
pub(super) async fn maintain(
    front: &Front,
    user: &User,
    (of, on): (&str, bool),
    output: &Output,
) -> Result<u32, Refusal> {
    let (project, environment) = find::environment(front, user, of, Action::Deploy).await?;
    front.deployments.set_maintenance(environment.id, on, None).await.map_err(not_queued)?;
    let place = environment.name.shown_of(&project.slug);
    output
        .say(&if on {
            format!("Requests for {place} get a page that says that it is being worked on.\n")
        } else {
            format!("Requests for {place} are let through.\n")
        })
        .await;
    Ok(0)
}

/// Stops every instance of an environment.
pub(super) async fn stop(front: &Front, user: &User, of: &str, output: &Output) -> Result<u32, Refusal> {
    let (project, environment) = find::environment(front, user, of, Action::Deploy).await?;
    front.deployments.stop(environment.id, None).await.map_err(not_queued)?;
    let place = environment.name.shown_of(&project.slug);
    output
        .say(&format!(
            "{place} is stopped. `start {place}`, or whatever is deployed next, starts it again.\n"
        ))
        .await;
    Ok(0)
}

/// Starts it again, and shows the log.
pub(super) async fn start(front: &Front, user: &User, of: &str, output: &Output) -> Result<u32, Refusal> {
    let (_, environment) = find::environment(front, user, of, Action::Deploy).await?;
    let deployment = front.deployments.start(&environment, user).await.map_err(not_queued)?;
    follow(front, deployment.id, output).await
}

/// Brings a deleted project back, with what it had live.
pub(super) async fn undelete(front: &Front, user: &User, of: &str, output: &Output) -> Result<u32, Refusal> {
    let project = find::even_deleted(front, user, of).await?;
    let project =
        projects::undelete(&front.store, (&project, Overwrite::Anything)).await.map_err(find::refusal)?;
    front.deployments.bring_back(&project, user.id).await.map_err(not_queued)?;
    output.say(&format!("{} is back. What it had live is being started.\n", project.slug)).await;
    Ok(0)
}
