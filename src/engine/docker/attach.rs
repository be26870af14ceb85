//! Commands that somebody talks to: one-off commands with a terminal or without.
//!
//! The stream is taken from Docker by hand (Docker's API, "Attach to a container"): bollard takes the first byte of what a
//! program prints on a terminal for the head of a frame, and waits for up to four gigabytes behind it.

use super::once::Container;
use super::{Shared, container};
use crate::engine::{
    Attached, EngineError, ExitStatus, InstanceSpec, OutputStream, SessionOutput, TerminalSize,
};
use crate::model::instance::{InstanceId, InstanceState};
use bollard::query_parameters::ResizeContainerTTYOptionsBuilder;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Longest time until Docker has taken the connection over.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of the head of its answer.
const LONGEST_HEAD: usize = 8 * 1024;
/// Bytes that are read at a time.
const PIECE: usize = 16 * 1024;

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Starts a command whose input and output are the caller's; see [`crate::engine::Engine::attach`].
pub(super) async fn attach(
    shared: Arc<Shared>,
    spec: &InstanceSpec,
    terminal: Option<TerminalSize>,
) -> Result<Attached, EngineError> {
    let docker = shared.client().await?;
    let network = shared.network_name(spec.key.project_id);
    let body = container::interactive(container::body(shared.server_id, &network, spec), terminal);
    let id = shared.create_from(&docker, spec, body).await?;
    let container = Container::new(Arc::clone(&shared), Arc::clone(&docker), id.clone());
    // Before it starts: its first words are not to be missed.
    let (reader, input, head) = tokio::time::timeout(PATIENCE, open(&shared, &id))
        .await
        .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| shared.unreachable(&error))?;
    if let Err(error) = docker.start_container(&id.0, None).await {
        return Err(shared.start_failed(spec, &error));
    }
    if let Some(size) = terminal {
        // One that has ended already has no terminal.
        shared.resize(&id, size).await.ok();
    }
    let output = if terminal.is_some() { raw(reader, head) } else { framed(reader, head) };
    Ok(Attached { id, output, input, container: Box::new(container) })
}

impl Shared {
    pub(super) async fn resize(&self, id: &InstanceId, size: TerminalSize) -> Result<(), EngineError> {
        let docker = self.client().await?;
        let options =
            ResizeContainerTTYOptionsBuilder::new().h(size.rows.into()).w(size.columns.into()).build();
        let resized = docker.resize_container_tty(&id.0, options).await;
        resized.map_err(|error| self.failed("resize the terminal", &error))
    }

    pub(super) async fn exit_status(&self, id: &InstanceId) -> Result<ExitStatus, EngineError> {
        let docker = self.client().await?;
        // What it answers is asked below, with the reason.
        let _ = docker.wait_container(&id.0, None).next().await;
        match self.inspect(id).await?.map(|instance| instance.state) {
            Some(InstanceState::Exited { code, out_of_memory }) => Ok(ExitStatus { code, out_of_memory }),
            Some(InstanceState::Created | InstanceState::Running) | None => {
                Err(EngineError::NotFound { what: format!("The result of {}", id.0) })
            }
        }
    }

    fn unreachable(&self, error: &io::Error) -> EngineError {
        let host = self.connection.host().to_owned();
        EngineError::Unavailable { host, reason: error.to_string() }
    }
}

/// A connection of its own to Docker, on which what follows is the command's; and what of it came with the answer.
async fn open(shared: &Shared, id: &InstanceId) -> io::Result<(Reader, Writer, BytesMut)> {
    let (mut reader, mut writer): (Reader, Writer) = match shared.connection.host().split_once("://") {
        Some(("unix", path)) => {
            let (reader, writer) = UnixStream::connect(path).await?.into_split();
            (Box::new(reader), Box::new(writer))
        }
        Some((_, address)) => {
            let (reader, writer) = TcpStream::connect(address).await?.into_split();
            (Box::new(reader), Box::new(writer))
        }
        None => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the address of Docker is not a URL"));
        }
    };
    let request = format!(
        "POST /containers/{}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n\
         Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
        id.0
    );
    writer.write_all(request.as_bytes()).await?;
    let mut received = BytesMut::with_capacity(PIECE);
    let end = loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        if received.len() > LONGEST_HEAD || reader.read_buf(&mut received).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "Docker gave no answer of HTTP"));
        }
    };
    let head = received.split_to(end + 4);
    // 200: engines that speak as before there was an `Upgrade` (Docker's API, 1.21).
    if head.starts_with(b"HTTP/1.1 101") || head.starts_with(b"HTTP/1.1 200") {
        return Ok((reader, writer, received));
    }
    let status = String::from_utf8_lossy(head[..].split(|byte| *byte == b'\r').next().unwrap_or_default());
    Err(io::Error::other(format!("Docker answered {status}")))
}

/// What a terminal shows.
fn raw(reader: Reader, received: BytesMut) -> BoxStream<'static, io::Result<SessionOutput>> {
    let pieces = async |(mut reader, mut received): (Reader, BytesMut)| {
        if received.is_empty() {
            received.reserve(PIECE);
            match reader.read_buf(&mut received).await {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some((Err(error), (reader, received))),
            }
        }
        let bytes = received.split().freeze();
        Some((Ok(SessionOutput { stream: OutputStream::Stdout, bytes }), (reader, received)))
    };
    stream::unfold((reader, received), pieces).boxed()
}

/// Where the reading of framed output is: a head of eight bytes says whose the bytes are that follow, and how many.
struct Frames {
    reader: Reader,
    received: BytesMut,
    stream: OutputStream,
    left: usize,
}

/// The two outputs of a command without a terminal. A frame is handed on as it comes, however long it is.
fn framed(reader: Reader, received: BytesMut) -> BoxStream<'static, io::Result<SessionOutput>> {
    let frames = Frames { reader, received, stream: OutputStream::Stdout, left: 0 };
    let next = async |mut frames: Frames| match frames.next().await {
        Ok(Some((stream, bytes))) => Some((Ok(SessionOutput { stream, bytes }), frames)),
        Ok(None) => None,
        Err(error) => Some((Err(error), frames)),
    };
    stream::unfold(frames, next).boxed()
}

impl Frames {
    async fn next(&mut self) -> io::Result<Option<(OutputStream, Bytes)>> {
        loop {
            if self.left > 0 && !self.received.is_empty() {
                let bytes = self.received.split_to(self.left.min(self.received.len())).freeze();
                self.left -= bytes.len();
                return Ok(Some((self.stream, bytes)));
            }
            if self.left == 0 && self.received.len() >= 8 {
                self.stream = if self.received[0] == 2 { OutputStream::Stderr } else { OutputStream::Stdout };
                self.received.advance(4);
                self.left = usize::try_from(self.received.get_u32()).unwrap_or(usize::MAX);
                continue;
            }
            self.received.reserve(PIECE);
            if self.reader.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_told_apart_wherever_they_are_cut() {
        let bytes = b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x05error\x01\0\0\0\0\0\0\0";
        for cut in 0..bytes.len() {
            let (head, rest) = bytes.split_at(cut);
            let mut output = framed(Box::new(rest), BytesMut::from(head));
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            while let Some(piece) = output.next().await {
                let SessionOutput { stream, bytes } = piece.unwrap();
                match stream {
                    OutputStream::Stdout => stdout.extend_from_slice(&bytes),
                    OutputStream::Stderr => stderr.extend_from_slice(&bytes),
                }
            }
            assert_eq!((stdout.as_slice(), stderr.as_slice()), (&b"out"[..], &b"error"[..]), "{cut}");
        }
    }

    #[tokio::test]
    async fn a_terminal_may_show_any_byte() {
        let shown = b"\0\x01\x02\xff";
        let mut output = raw(Box::new(&shown[1..]), BytesMut::from(&shown[..1]));
        let mut seen = Vec::new();
        while let Some(piece) = output.next().await {
            seen.extend_from_slice(&piece.unwrap().bytes);
        }
        assert_eq!(seen, shown);
    }
}
