//! Running one of git's services for a client, and what is left to do behind it.

use super::arrival::Arrival;
use super::find::{self, Found};
use super::first_packets::{self, TerminalSearch};
use super::front::Front;
use super::gits::{GitPlace, MAX_WORKING};
use super::output::Output;
use super::pump::{Ended, Input, pump};
use super::push_limit::PushLimit;
use super::session::{Caller, Refusal, internal};
use super::still::Still;
use crate::git::{GitError, GitProcess, PushEnvironment, Repository, Service, remove_leftovers};
use crate::model::admission::Place;
use crate::model::id::ProjectId;
use crate::model::project::Project;
use crate::model::user::User;
use crate::receive::PushGuard;
use crate::store::{DeploymentFilter, PageRequest};
use russh::ChannelReadHalf;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::Notify;

/// Time that a git gets to end which is told to.
const END_GRACE: Duration = Duration::from_secs(2);
/// Longest time that the pack of one push may take to arrive.
const RECEIVE_TIME: Duration = Duration::from_hours(1);

/// Runs a service on the repository that the client names.
pub(super) async fn run(
    front: &Front,
    caller: (&Caller, &Still),
    user: User,
    (service, project_name): (Service, &str),
    read: ChannelReadHalf,
    output: &Output,
) -> Result<Option<u32>, Refusal> {
    let Some(place) = front.gits.place(user.id).await else {
        return Err(Refusal(format!(
            "This account has {MAX_WORKING} pushes and fetches under way. Try again when one of them has ended."
        )));
    };
    match service {
        Service::ReceivePack => {
            // Before anything is made or sent.
            let spare_bytes = front.room.check().map_err(|no_room| Refusal(no_room.to_string()))?;
            let limit = PushLimit::new(front.max_push_bytes, spare_bytes);
            let found = find::project_to_push(front, &user, project_name).await?;
            push(front, caller, (user, place), found, limit, (read, output)).await
        }
        Service::UploadPack | Service::UploadArchive => {
            let project = find::project_to_fetch(front, &user, project_name).await?;
            send(front, caller, service, project.id, read, output).await
        }
    }
}

/// A fetch or an archive.
async fn send(
    front: &Front,
    (caller, still): (&Caller, &Still),
    service: Service,
    project: ProjectId,
    mut read: ChannelReadHalf,
    output: &Output,
) -> Result<Option<u32>, Refusal> {
    let repository = open(front, project).await?;
    let first = match service {
        Service::UploadArchive => match first_packets::archive_request(&mut read).await? {
            Some(first) => first,
            None => return Ok(None),
        },
        Service::UploadPack | Service::ReceivePack => Vec::new(),
    };
    let mut git = GitProcess::start(service, &repository, caller.protocol, None).map_err(internal)?;
    let input = Input { read, first, see: |_: &[u8]| {}, complete: std::future::pending() };
    let ended = tokio::select! {
        ended = pump(&mut git, input, &output.write, || {}) => ended.map_err(internal)?,
        refusal = still.no_longer(front) => {
            git.end(END_GRACE).await;
            return Err(refusal);
        }
    };
    match ended {
        Ended::Exited(code) => Ok(Some(code)),
        Ended::HungUp => Ok(None),
        Ended::Stalled => Err(stalled()),
    }
}

async fn push(
    front: &Front,
    caller: (&Caller, &Still),
    (user, place): (User, GitPlace),
    found: Found,
    limit: PushLimit,
    (read, output): (ChannelReadHalf, &Output),
) -> Result<Option<u32>, Refusal> {
    let Found { project, is_new } = found;
    let repository = open(front, project.id).await?;
    let Some(guard) = front.pushes.begin(user, project.clone(), repository.clone()) else {
        return Err(Refusal("The project is being removed at this moment. Push again.".to_owned()));
    };
    let GitPlace { working, in_all: _in_all } = place;
    let ended = receive(front, caller, (&guard, &repository, working), limit, read, output).await;
    drop(guard);
    if !matches!(ended, Ok(Some(_))) {
        sweep(front, project.id, repository.clone()).await;
    }
    if is_new {
        discard_unused(front, &project, repository).await;
    }
    ended
}

/// Receives a push, and waits for what becomes of it.
async fn receive(
    front: &Front,
    (caller, still): (&Caller, &Still),
    (guard, repository, working): (&PushGuard, &Repository, Place),
    limit: PushLimit,
    read: ChannelReadHalf,
    output: &Output,
) -> Result<Option<u32>, Refusal> {
    let environment = push_environment(front, guard, limit);
    let mut git = GitProcess::start(Service::ReceivePack, repository, caller.protocol, Some(&environment))
        .map_err(internal)?;
    let (mut search, mut arrival) = (TerminalSearch::default(), Arrival::new(limit.bytes()));
    let too_much = Notify::new();
    let ended = {
        let see = |data: &[u8]| {
            if !arrival.take(data) && !guard.is_received() {
                too_much.notify_one();
            }
            if let Some(at_terminal) = search.take(data) {
                guard.set_at_terminal(at_terminal);
            }
        };
        let input = Input { read, first: Vec::new(), see, complete: guard.received() };
        let pumping = pump(&mut git, input, &output.write, || guard.hang_up());
        tokio::pin!(pumping);
        tokio::select! {
            ended = &mut pumping => Ok(ended.map_err(internal)?),
            never = give_back(guard, working) => match never {},
            () = too_slow(guard) => {
                Err("The push took more than an hour to arrive and was given up.".to_owned())
            }
            () = too_much.notified() => Err(limit.refusal()),
            Refusal(sentence) = still.no_longer(front) => {
                // As if the pusher had left: the deployment goes on by the policy of its environment.
                guard.hang_up();
                Err(sentence)
            }
        }
    };
    match ended {
        Ok(Ended::Exited(code)) => {
            // git has refused it and says so in words that name no way out.
            if arrival.bytes() > limit.bytes() && !guard.is_received() {
                output.notice(&limit.refusal()).await;
            }
            Ok(Some(code))
        }
        Ok(Ended::HungUp) => {
            tracing::info!(peer = %caller.peer, "a pusher hung up");
            Ok(None)
        }
        Ok(Ended::Stalled) => Err(stalled()),
        Err(sentence) => {
            git.end(END_GRACE).await;
            Err(Refusal(sentence))
        }
    }
}

fn stalled() -> Refusal {
    Refusal(
        "git has stopped working on the server, and was ended. Try again; its log may say why.".to_owned(),
    )
}

/// Leaves the turn of a push to others once it has arrived.
async fn give_back(guard: &PushGuard, working: Place) -> Infallible {
    guard.received().await;
    drop(working);
    std::future::pending().await
}

/// Ends when a push has been arriving for too long; one that has arrived takes what time it needs.
async fn too_slow(guard: &PushGuard) {
    if tokio::time::timeout(RECEIVE_TIME, guard.received()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

async fn open(front: &Front, project: ProjectId) -> Result<Repository, Refusal> {
    let repositories = front.repositories.clone();
    tokio::task::spawn_blocking(move || repositories.open_or_create(project))
        .await
        .map_err(internal)?
        .map_err(internal)
}

/// Removes what a git that was killed has left of a push. Left for the next start where others push at this moment.
async fn sweep(front: &Front, project: ProjectId, repository: Repository) {
    let pushes = front.pushes.clone();
    let swept = tokio::task::spawn_blocking(move || {
        // What is there while nothing is pushed is of no push that begins after it: it is removed with nobody waiting.
        let leftovers = pushes.while_idle(project, || repository.leftovers_of_pushes()).transpose()?;
        Ok::<_, GitError>(remove_leftovers(&leftovers.unwrap_or_default()))
    });
    match swept.await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a push was not swept");
        }
        Err(error) => tracing::error!(%error, "a push was not swept"),
    }
}

/// Takes back the project that a push has made, when nothing of the push was taken: a dry run, a refusal, a pusher that
/// went away. One that was made and never used would only stand in the way.
async fn discard_unused(front: &Front, project: &Project, repository: Repository) {
    // Whoever pushes to it meanwhile uses it.
    if !front.pushes.close_idle(project.id) {
        return;
    }
    match discard(front, project, repository).await {
        Ok(true) => {
            tracing::info!(project = %project.slug, "a push was not accepted: its new project is taken back");
        }
        Ok(false) => front.pushes.open(project.id),
        Err(error) => {
            tracing::warn!(error = &*error, project = %project.slug, "a project that was not used is kept");
            front.pushes.open(project.id);
        }
    }
}

/// Removes the project unless something is in it; answers whether it did.
async fn discard(
    front: &Front,
    project: &Project,
    repository: Repository,
) -> Result<bool, Box<dyn std::error::Error>> {
    let is_empty = tokio::task::spawn_blocking(move || repository.is_empty()).await??;
    let only_one = PageRequest::new(1, None);
    let deployments =
        front.store.deployments_of(project.id, &DeploymentFilter::default(), only_one).await?.data;
    let is_untouched = front.store.project(project.id).await?.updated_at == project.updated_at;
    if !is_empty || !deployments.is_empty() || !is_untouched {
        return Ok(false);
    }
    let (repositories, id) = (front.repositories.clone(), project.id);
    tokio::task::spawn_blocking(move || repositories.remove(id)).await??;
    front.store.delete_project(project.id).await?;
    Ok(true)
}

fn push_environment(front: &Front, guard: &PushGuard, limit: PushLimit) -> PushEnvironment {
    PushEnvironment {
        hooks: front.hooks.clone(),
        socket: front.hook_socket.clone(),
        executable: front.executable.clone(),
        token: guard.token().to_owned(),
        max_bytes: limit.bytes(),
    }
}
