//! Doing what a client asks for.

use super::pump::{Ended, STDERR, pump};
use super::request::{Request, Unsupported};
use super::{commands, greeting};
use crate::auth::access::Action;
use crate::git::{GitProcess, GitProtocol, PushEnvironment, Repositories, Service};
use crate::jobs::Queue;
use crate::journal::Journal;
use crate::model::address::PublicAddress;
use crate::model::name::Slug;
use crate::model::project::Project;
use crate::model::user::User;
use crate::projects::{self, ProjectDraft, ProjectError, ProjectReference};
use crate::receive::{PushGuard, Pushes};
use crate::store::Store;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What stands for the command line of a client that wants a shell.
pub(super) const GREET: &[u8] = b"";
/// Exit code for everything that is refused before it begins: git's own for a fatal error.
const REFUSED: u32 = 128;
/// Longest time that the pack of one push may take to arrive.
const RECEIVE_TIME: Duration = Duration::from_hours(1);

/// What the SSH front door needs of the rest of the server.
pub struct Front {
    pub store: Store,
    pub journal: Journal,
    pub queue: Queue,
    pub repositories: Repositories,
    pub pushes: Pushes,
    /// Folder of the hook scripts, and the socket on which they call back.
    pub hooks: PathBuf,
    pub hook_socket: PathBuf,
    /// This program, which the hook scripts start.
    pub executable: PathBuf,
    pub max_push_bytes: u64,
    pub max_projects: u32,
    pub search_path: String,
    /// Names and ports for what people are told to type.
    pub address: PublicAddress,
}

/// Who sent a command.
pub(super) struct Caller {
    pub(super) fingerprint: String,
    pub(super) peer: SocketAddr,
    pub(super) protocol: Option<GitProtocol>,
}

/// Why a command was not run: a sentence for the person who sent it.
pub(super) struct Refusal(pub(super) String);

impl Front {
    /// Whether a key belongs to an account that may log in. The same answer for unknown, revoked and disabled.
    pub(super) async fn knows_key(&self, fingerprint: &str) -> bool {
        match self.user(fingerprint).await {
            Ok(user) => user.is_some(),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot look an SSH key up");
                false
            }
        }
    }

    async fn user(&self, fingerprint: &str) -> Result<Option<User>, crate::store::StoreError> {
        let found = self.store.user_by_fingerprint(fingerprint).await?;
        Ok(found.map(|(_, user)| user).filter(|user| user.disabled_at.is_none()))
    }
}

/// Runs one command and closes the channel with its exit code.
pub(super) async fn run(
    front: &Front,
    caller: &Caller,
    request: Result<Request, Unsupported>,
    channel: Channel<Msg>,
) {
    let (read, write) = channel.split();
    let code = match answer(front, caller, request, read, &write).await {
        Ok(Some(code)) => code,
        // Nobody is there to be told.
        Ok(None) => return,
        Err(Refusal(sentence)) => {
            say(&write, Some(STDERR), &format!(" !     {sentence}\n")).await;
            REFUSED
        }
    };
    // The three share the queue of the data, so they arrive after it and in this order.
    let closed = async {
        write.exit_status(code).await?;
        write.eof().await?;
        write.close().await
    };
    if let Err(error) = closed.await {
        tracing::debug!(peer = %caller.peer, %error, "an SSH client was gone before its exit code");
    }
}

/// The exit code of a command, or `None` where the client has hung up.
async fn answer(
    front: &Front,
    caller: &Caller,
    request: Result<Request, Unsupported>,
    read: ChannelReadHalf,
    write: &ChannelWriteHalf<Msg>,
) -> Result<Option<u32>, Refusal> {
    let request = request.map_err(|Unsupported(sentence)| Refusal(sentence))?;
    let found = front.store.user_by_fingerprint(&caller.fingerprint).await.map_err(internal)?;
    let Some((key, user)) = found.filter(|(_, user)| user.disabled_at.is_none()) else {
        return Err(Refusal("This key is not accepted any more.".to_owned()));
    };
    if let Err(error) = front.store.touch_ssh_key(key.id, crate::model::time::now()).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot note when an SSH key was used");
    }
    match request {
        Request::Help => {
            say(write, None, &greeting::hello(&user, &front.address)).await;
            say(write, None, &greeting::help(&front.address)).await;
            Ok(Some(0))
        }
        Request::WhoAmI => {
            say(
                write,
                None,
                &format!("{} ({}), key \"{}\" {}\n", user.username, user.email, key.title, key.fingerprint),
            )
            .await;
            Ok(Some(0))
        }
        Request::Logs { of } => until_hung_up(read, commands::logs(front, &user, &of, write)).await,
        Request::Redeploy { project } => {
            until_hung_up(read, commands::redeploy(front, &user, &project, write)).await
        }
        Request::Git { service, project } => {
            run_git(front, caller, user, service, &project, read, write).await
        }
    }
}

/// Runs a command for as long as its client is there.
async fn until_hung_up(
    mut read: ChannelReadHalf,
    command: impl Future<Output = Result<u32, Refusal>>,
) -> Result<Option<u32>, Refusal> {
    let gone = async {
        while let Some(message) = read.wait().await {
            if matches!(message, ChannelMsg::Close) {
                return;
            }
        }
    };
    tokio::select! {
        code = command => code.map(Some),
        () = gone => Ok(None),
    }
}

async fn run_git(
    front: &Front,
    caller: &Caller,
    user: User,
    service: Service,
    project_name: &str,
    read: ChannelReadHalf,
    write: &ChannelWriteHalf<Msg>,
) -> Result<Option<u32>, Refusal> {
    let project = find_project(front, &user, service, project_name).await?;
    let repositories = front.repositories.clone();
    let project_id = project.id;
    let repository = tokio::task::spawn_blocking(move || repositories.open_or_create(project_id))
        .await
        .map_err(internal)?
        .map_err(internal)?;
    let push = service.writes().then(|| front.pushes.begin(user, project, repository.clone()));
    let environment = push.as_ref().map(|guard| push_environment(front, guard));
    let mut git =
        GitProcess::start(service, &repository, caller.protocol, environment.as_ref(), &front.search_path)
            .map_err(internal)?;
    let ended = {
        let pumping = pump(&mut git, read, write, || {
            if let Some(push) = &push {
                push.hang_up();
            }
        });
        tokio::pin!(pumping);
        tokio::select! {
            ended = &mut pumping => Some(ended.map_err(internal)?),
            () = too_slow(push.as_ref()) => None,
        }
    };
    match ended {
        Some(Ended::Exited(code)) => Ok(Some(code)),
        Some(Ended::HungUp) => {
            tracing::info!(peer = %caller.peer, ?service, "an SSH client hung up");
            Ok(None)
        }
        None => {
            git.end(Duration::from_secs(2)).await;
            Err(Refusal("The push took more than an hour to arrive and was given up.".to_owned()))
        }
    }
}

/// Ends when a push has been arriving for too long; a fetch and a push that has arrived take what time they need.
async fn too_slow(push: Option<&PushGuard>) {
    if let Some(push) = push
        && tokio::time::timeout(RECEIVE_TIME, push.received()).await.is_err()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// The project that a URL names. A push to one that does not exist creates it.
async fn find_project(front: &Front, user: &User, service: Service, name: &str) -> Result<Project, Refusal> {
    let slug: Slug =
        name.parse().map_err(|error: crate::model::name::InvalidName| Refusal(error.to_string()))?;
    let action = if service.writes() { Action::Push } else { Action::FetchSource };
    match projects::find(&front.store, user, &ProjectReference::Slug(slug.clone()), action).await {
        Ok(project) => Ok(project),
        Err(ProjectError::NotFound) if service.writes() => {
            let name = slug.as_str().parse().map_err(internal)?;
            let draft = ProjectDraft { name, slug: Some(slug.clone()), at_most: front.max_projects };
            match projects::create(&front.store, user.id, draft).await {
                Ok((project, _)) => {
                    tracing::info!(project = %project.slug, user = %user.username, "a push has created a project");
                    Ok(project)
                }
                // The name belongs to somebody whose projects this account must not know of.
                Err(ProjectError::SlugTaken(slug)) => Err(Refusal(format!(
                    "There is no project \"{slug}\" that you may push to. Choose another name."
                ))),
                Err(error @ ProjectError::TooMany(_)) => Err(Refusal(error.to_string())),
                Err(error) => Err(internal(error)),
            }
        }
        Err(ProjectError::NotFound) => Err(Refusal(format!(
            "There is no project \"{slug}\". A push to {} creates it.",
            front.address.git_url(&slug)
        ))),
        Err(error @ ProjectError::Forbidden(_)) => Err(Refusal(error.to_string())),
        Err(error) => Err(internal(error)),
    }
}

fn push_environment(front: &Front, guard: &PushGuard) -> PushEnvironment {
    PushEnvironment {
        hooks: front.hooks.clone(),
        socket: front.hook_socket.clone(),
        executable: front.executable.clone(),
        token: guard.token().to_owned(),
        max_bytes: front.max_push_bytes,
    }
}

pub(super) async fn say(write: &ChannelWriteHalf<Msg>, stream: Option<u32>, text: &str) {
    let bytes = text.as_bytes().to_vec();
    let sent = match stream {
        None => write.data_bytes(bytes).await,
        Some(stream) => write.extended_data_bytes(stream, bytes).await,
    };
    if let Err(error) = sent {
        tracing::debug!(%error, "an SSH client was gone before it was answered");
    }
}

pub(super) fn internal(error: impl std::error::Error + 'static) -> Refusal {
    tracing::error!(error = &error as &dyn std::error::Error, "an SSH command failed");
    Refusal("Something went wrong on the server; its log says what. Nothing was changed.".to_owned())
}
