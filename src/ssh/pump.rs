//! Moves bytes between an SSH channel and a git process, and ends both in order.

use crate::git::GitProcess;
use russh::server::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

/// SSH's number for standard error (RFC 4254 §5.2).
pub(super) const STDERR: u32 = 1;
/// Time that open pipes get after git has ended: something it started may hold them.
const PIPES_GRACE: Duration = Duration::from_secs(2);
/// Time that git gets to end by itself after the client is gone: it removes its quarantine then.
const HANG_UP_GRACE: Duration = Duration::from_secs(5);
/// Time between SIGTERM and SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);
const BUFFER_BYTES: usize = 32 * 1024;

/// How a git process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with an exit code.
    Exited(u32),
    /// The client was gone first.
    HungUp,
}

/// Connects a channel with git until one of them ends. `on_hang_up` is called once when the client is gone.
pub(super) async fn pump(
    git: &mut GitProcess,
    read: ChannelReadHalf,
    write: &ChannelWriteHalf<Msg>,
    on_hang_up: impl FnOnce(),
) -> io::Result<Ended> {
    let (Some(mut stdout), Some(mut stderr)) = (git.stdout.take(), git.stderr.take()) else {
        return Err(io::Error::other("git was started without pipes"));
    };
    let outcome = {
        let input = feed(read, git.stdin.take());
        let output = async {
            tokio::join!(copy(&mut stdout, write, None), copy(&mut stderr, write, Some(STDERR)));
        };
        tokio::pin!(input, output);
        // The client can hang up while git's output waits for a window that nobody will grow: `input` sees it.
        tokio::select! {
            biased;
            outcome = finish(git, &mut output) => Some(outcome?),
            () = &mut input => None,
        }
    };
    if let Some(code) = outcome {
        return Ok(Ended::Exited(code));
    }
    // In this order: the hook is told, answers and ends; git removes its quarantine and ends; only then force.
    on_hang_up();
    let drain = async {
        let (mut sink_out, mut sink_err) = (tokio::io::sink(), tokio::io::sink());
        let (_, _, ended) = tokio::join!(
            tokio::io::copy(&mut stdout, &mut sink_out),
            tokio::io::copy(&mut stderr, &mut sink_err),
            git.wait()
        );
        ended
    };
    if tokio::time::timeout(HANG_UP_GRACE, drain).await.is_err() {
        git.end(TERM_GRACE).await;
    }
    Ok(Ended::HungUp)
}

/// Waits until git has ended and its output is sent.
async fn finish(git: &mut GitProcess, mut output: impl Future<Output = ()> + Unpin) -> io::Result<u32> {
    let code = tokio::select! {
        code = git.wait() => {
            if tokio::time::timeout(PIPES_GRACE, &mut output).await.is_err() {
                tracing::warn!("git has ended but something still holds its pipes");
            }
            code?
        }
        () = &mut output => git.wait().await?,
    };
    Ok(code)
}

/// Passes the client's bytes on. Ends when the client hangs up; its end of input only closes git's.
async fn feed(mut read: ChannelReadHalf, mut stdin: Option<ChildStdin>) {
    while let Some(message) = read.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                if let Some(pipe) = &mut stdin
                    && pipe.write_all(&data).await.is_err()
                {
                    // git has closed its input: what still comes is dropped, its answer still matters.
                    stdin = None;
                }
            }
            ChannelMsg::Eof => stdin = None,
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// Passes git's bytes on, as fast as the client takes them.
async fn copy(source: &mut (impl AsyncRead + Unpin), write: &ChannelWriteHalf<Msg>, stream: Option<u32>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = match source.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let bytes = buffer[..length].to_vec();
        let sent = match stream {
            None => write.data_bytes(bytes).await,
            Some(stream) => write.extended_data_bytes(stream, bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
