//! Doing what a client asks for.

use super::front::Front;
use super::output::Output;
use super::request::{Request, Unsupported};
use super::still::Still;
use super::trail::{Deed, Outcome};
use super::{app_logs, commands, cron, git_session, greeting, one_off, standing, tables};
use crate::git::GitProtocol;
use crate::model::user::{SshKey, User};
use crate::store::StoreError;
use russh::{ChannelMsg, ChannelReadHalf};
use std::net::SocketAddr;

/// What stands for the command line of a client that wants a shell.
pub(super) const GREET: &[u8] = b"";
/// Exit code for everything that is refused before it begins: git's own for a fatal error.
const REFUSED: u32 = 128;
/// What Ctrl-C and Ctrl-D send where the server drives the terminal: ETX and EOT.
const KEYS_TO_LEAVE: [u8; 2] = [0x03, 0x04];

/// Who sent a command.
pub(super) struct Caller {
    pub(super) fingerprint: String,
    pub(super) peer: SocketAddr,
    pub(super) protocol: Option<GitProtocol>,
}

/// Why a command was not run: a sentence for the person who sent it.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) String);

/// Runs one command and closes the channel with its exit code.
pub(super) async fn run(
    front: &Front,
    caller: &Caller,
    request: Result<Request, Unsupported>,
    read: ChannelReadHalf,
    output: Output,
) {
    let code = match Box::pin(answer(front, caller, request, read, &output)).await {
        Ok(Some(code)) => code,
        // Nobody is there to be told.
        Ok(None) => return,
        Err(Refusal(sentence)) => {
            output.notice(&sentence).await;
            REFUSED
        }
    };
    // The three share the queue of the data, so they arrive after it and in this order.
    let closed = async {
        output.write.exit_status(code).await?;
        output.write.eof().await?;
        output.write.close().await
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
    output: &Output,
) -> Result<Option<u32>, Refusal> {
    let request = request.map_err(|Unsupported(sentence)| Refusal(sentence))?;
    let Some((key, user)) = front.owner(&caller.fingerprint).await.map_err(failed)? else {
        return Err(Refusal("This key is not accepted any more.".to_owned()));
    };
    if let Err(error) = front.store.touch_ssh_key(key.id, crate::model::time::now()).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot note when an SSH key was used");
    }
    let (deed, still) = (Deed::of(&request), Still::of(caller, &request));
    // These look themselves, since something is to be ended in order.
    let looks_itself = matches!(request, Request::Run { .. } | Request::Git { .. });
    // What a one-off command does is written down when it begins.
    let is_written_down = matches!(request, Request::Run { .. });
    let carried_out = Box::pin(carry_out(front, caller, (&key, &user), request, (&still, read, output)));
    let ended = tokio::select! {
        ended = carried_out => ended,
        refusal = still.no_longer(front), if !looks_itself => Err(refusal),
    };
    // What was refused changed nothing; what was cut off may have.
    let outcome = match &ended {
        Ok(code) => Some(Outcome::Ended(*code)),
        Err(Refusal(why)) => still.was_cut_off().then_some(Outcome::Failed(why)),
    };
    if let (Some(deed), Some(outcome)) = (deed.filter(|_| !is_written_down), outcome) {
        deed.record(front, caller, (&key, &user), outcome).await;
    }
    ended
}

/// Does what somebody asks for who has a key.
async fn carry_out(
    front: &Front,
    caller: &Caller,
    (key, user): (&SshKey, &User),
    request: Request,
    (still, read, output): (&Still, ChannelReadHalf, &Output),
) -> Result<Option<u32>, Refusal> {
    match request {
        Request::Help => {
            output.say(&greeting::hello(user, &front.address)).await;
            output.say(&greeting::help(&front.address)).await;
            Ok(Some(0))
        }
        Request::WhoAmI => {
            let (name, email) = (&user.username, &user.email);
            output.say(&format!("{name} ({email}), key \"{}\" {}\n", key.title, key.fingerprint)).await;
            Ok(Some(0))
        }
        Request::Logs { of } => Box::pin(until_hung_up(read, commands::logs(front, user, &of, output))).await,
        Request::AppLogs(wanted) => until_hung_up(read, app_logs::show(front, user, &wanted, output)).await,
        Request::Run { ref project, ref command } => {
            let deed = Deed::of(&request).map(|deed| (deed, caller, key));
            one_off::run(front, user, (project, command), deed, (still, read, output)).await
        }
        Request::Redeploy { project } => {
            // Boxed: as large as all that queueing a deployment asks of the database.
            until_hung_up(read, Box::pin(commands::redeploy(front, user, &project, output))).await
        }
        Request::Rollback { project, version, rebuild } => {
            let to = (project.as_str(), version, rebuild);
            until_hung_up(read, Box::pin(commands::rollback(front, user, to, output))).await
        }
        Request::Restart { project } => {
            until_hung_up(read, Box::pin(commands::restart(front, user, &project, output))).await
        }
        Request::Scale { project, counts } => {
            let to = (project.as_str(), &counts);
            until_hung_up(read, Box::pin(commands::scale(front, user, to, output))).await
        }
        Request::Instances { project } => {
            until_hung_up(read, tables::instances(front, user, &project, output)).await
        }
        Request::Releases { project } => {
            until_hung_up(read, tables::releases(front, user, &project, output)).await
        }
        Request::Maintenance { project, on } => {
            until_hung_up(read, standing::maintain(front, user, (&project, on), output)).await
        }
        Request::Stop { project } => until_hung_up(read, standing::stop(front, user, &project, output)).await,
        Request::Start { project } => {
            until_hung_up(read, Box::pin(standing::start(front, user, &project, output))).await
        }
        Request::Undelete { project } => {
            until_hung_up(read, Box::pin(standing::undelete(front, user, &project, output))).await
        }
        Request::Volumes { project } => {
            until_hung_up(read, tables::volumes(front, user, &project, output)).await
        }
        Request::Cron { project, name } => {
            until_hung_up(read, cron::show(front, user, (&project, name.as_ref()), output)).await
        }
        Request::RunCron { project, name } => {
            until_hung_up(read, Box::pin(cron::run(front, user, (&project, &name), output))).await
        }
        Request::Git { service, project } => {
            git_session::run(front, (caller, still), user.clone(), (service, &project), read, output).await
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
            match message {
                ChannelMsg::Close => return None,
                // A pipe may hold these bytes too, and nothing that is typed here means anything else.
                ChannelMsg::Data { data } if data.iter().any(|byte| KEYS_TO_LEAVE.contains(byte)) => {
                    return Some(LEFT);
                }
                _ => {}
            }
        }
        None
    };
    tokio::select! {
        code = command => code.map(Some),
        left = gone => Ok(left),
    }
}

/// Exit code of a command that its person left with Ctrl-C, as a shell gives it: 128 + SIGINT.
const LEFT: u32 = 130;

/// What somebody is told when the database has not given an answer.
pub(super) fn failed(error: StoreError) -> Refusal {
    match error {
        StoreError::Unavailable(_) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "an SSH command failed: the database is away"
            );
            Refusal("The server's database does not answer. Try again in a minute.".to_owned())
        }
        StoreError::Disabled => Refusal(
            "The project is disabled or being deleted: nothing is deployed to it. Ask the operator of this server."
                .to_owned(),
        ),
        StoreError::NotFound
        | StoreError::Conflict { .. }
        | StoreError::Stale
        | StoreError::NewerDatabase { .. }
        | StoreError::UnknownUrl
            | StoreError::NoFile { .. }
        | StoreError::Other(_) => internal(error),
    }
}

pub(super) fn internal(error: impl std::error::Error + 'static) -> Refusal {
    tracing::error!(error = &error as &dyn std::error::Error, "an SSH command failed");
    Refusal("Something went wrong on the server; its log says what.".to_owned())
}
