//! The unix socket on which hooks ask.

use super::protocol::{HookCall, HookName, HookReply, MAX_LINE_BYTES, Verdict};
use super::{Push, Receiver, Terminal};
use crate::model::report::Colour;
use std::fs::Permissions;
use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

/// Lines that may wait for a pusher that reads slowly.
const LINES_AHEAD: usize = 256;

/// The socket cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}{}", path.display(), way_out(path))]
pub struct SocketError {
    path: PathBuf,
    source: io::Error,
}

/// Bytes that the path of a socket may have (unix(7)).
const LONGEST_PATH: usize = 107;

fn way_out(path: &Path) -> &'static str {
    if path.as_os_str().len() > LONGEST_PATH {
        ": its path is too long, choose a shorter GILGAL_HOME"
    } else {
        ""
    }
}

/// A bound socket that nobody is answered on yet.
pub struct BoundSocket(UnixListener);

/// Binds the socket (mode 0600). A file that an earlier server has left is replaced: the lock of the home says that
/// no other server is alive.
///
/// # Errors
/// When the file cannot be made, for example because its path is too long.
pub fn bind(path: &Path) -> Result<BoundSocket, SocketError> {
    let bind = || {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    bind().map(BoundSocket).map_err(|source| SocketError { path: path.to_owned(), source })
}

impl BoundSocket {
    /// Answers hooks until `stop` ends. Hooks that are being answered are left to end with the server.
    pub async fn serve(self, receiver: Arc<Receiver>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.0.accept() => accepted,
                () = &mut stop => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let receiver = receiver.clone();
                    tokio::spawn(async move {
                        // A push is in it: too large to be moved about.
                        if let Err(error) = Box::pin(answer(&receiver, stream)).await {
                            tracing::debug!(%error, "a hook went away");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a hook");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn answer(receiver: &Receiver, stream: UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read.take(MAX_LINE_BYTES));
    let mut line = String::new();
    read.read_line(&mut line).await?;
    let call: HookCall = serde_json::from_str(&line)?;
    let (sender, mut replies) = mpsc::channel(LINES_AHEAD);
    let deciding = async {
        let push = receiver.pushes.find(&call.push);
        let colour = push.as_ref().map_or(Colour::Plain, |push| push.colour());
        let terminal = Terminal { lines: sender, colour };
        let verdicts = decide(receiver, push.as_deref(), &call, &terminal).await;
        // Fails only when the hook is gone.
        terminal.lines.send(HookReply::Verdicts(verdicts)).await.ok();
    };
    // Owns the receiving end: when the hook is gone, whoever still has something to say is not kept waiting.
    let telling = async move {
        while let Some(reply) = replies.recv().await {
            let mut line = serde_json::to_string(&reply)?;
            line.push('\n');
            write.write_all(line.as_bytes()).await?;
        }
        Ok(())
    };
    let ((), told) = tokio::join!(deciding, telling);
    told
}

async fn decide(
    receiver: &Receiver,
    push: Option<&Push>,
    call: &HookCall,
    terminal: &Terminal,
) -> Vec<Verdict> {
    let refused = |reason: &str| vec![Verdict::Refused(reason.to_owned()); call.commands.len()];
    let Some(push) = push else {
        terminal.notice("This push is not known to the server. Push again.").await;
        return refused("unknown push");
    };
    match call.hook {
        HookName::PreReceive => {
            push.mark_received();
            match receiver.check(push, call).await {
                Ok(()) => vec![Verdict::Accepted; call.commands.len()],
                Err(sentence) => {
                    terminal.notice(&sentence).await;
                    refused("refused")
                }
            }
        }
        HookName::ProcReceive => Box::pin(receiver.decide_branches(push, call, terminal)).await,
        HookName::PostReceive => {
            for command in &call.commands {
                tracing::info!(
                    project = %push.project.slug, user = %push.user.username,
                    reference = ?command.reference, old = %command.old, new = %command.new, "pushed"
                );
            }
            vec![Verdict::Accepted; call.commands.len()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_path_that_no_socket_can_have_is_said_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("a".repeat(LONGEST_PATH));
        let refusal = bind(&long).map(drop).unwrap_err().to_string();
        assert!(refusal.ends_with("its path is too long, choose a shorter GILGAL_HOME"), "{refusal}");
        bind(&folder.path().join("a")).unwrap();
    }
}
