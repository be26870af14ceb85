//! What the server itself writes to a client, outside of git's own conversation.

use crate::engine::TerminalSize;
use crate::model::log::{LogLine, Stream};
use crate::model::report::{self, Colour};
use crate::processes::AppLine;
use russh::ChannelWriteHalf;
use russh::server::Msg;

/// SSH's number for standard error (RFC 4254 §5.2).
pub(super) const STDERR: u32 = 1;

/// What is known of where a client shows what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Screen {
    /// Nothing: it may be a pipe.
    Unknown,
    /// A terminal, which the client has asked the server to drive (RFC 4254 §6.2).
    Terminal { colour: Colour, size: TerminalSize },
}

impl Screen {
    /// The screen of a client that has asked for a terminal of this type, the value of its `TERM`.
    pub(super) fn of_type(term: &str, size: TerminalSize) -> Self {
        let colour = if matches!(term, "" | "dumb") { Colour::Plain } else { Colour::Shown };
        Self::Terminal { colour, size }
    }

    const fn colour(self) -> Colour {
        match self {
            Self::Unknown => Colour::Plain,
            Self::Terminal { colour, .. } => colour,
        }
    }
}

/// The client's end of a channel. A client that is gone is no error: that is noticed where it is read from.
pub(super) struct Output {
    pub(super) write: ChannelWriteHalf<Msg>,
    pub(super) screen: Screen,
}

impl Output {
    /// Writes text to standard output.
    pub(super) async fn say(&self, text: &str) {
        self.send(None, text).await;
    }

    /// Writes a line of a log to standard output.
    pub(super) async fn show(&self, stream: Stream, text: &str) {
        self.say(&(report::render(stream, text, self.screen.colour()) + "\n")).await;
    }

    /// Writes lines of a log to standard output, all at once.
    pub(super) async fn show_all(&self, lines: &[LogLine]) {
        let colour = self.screen.colour();
        let shown = |line: &LogLine| report::render(line.line.stream, &line.line.text, colour) + "\n";
        self.say(&lines.iter().map(shown).collect::<String>()).await;
    }

    /// Writes a line that an instance has printed, with when and which, to standard output.
    pub(super) async fn show_app_line(&self, line: &AppLine) {
        self.say(&(report::render_behind(&line.prefix(), &line.text, self.screen.colour()) + "\n")).await;
    }

    /// Writes what a command of the client's has printed to standard output, as it is.
    pub(super) async fn pass(&self, bytes: &[u8]) {
        self.send_bytes(None, bytes.to_vec()).await;
    }

    /// The same to standard error.
    pub(super) async fn pass_error(&self, bytes: &[u8]) {
        self.send_bytes(Some(STDERR), bytes.to_vec()).await;
    }

    /// Writes a warning to standard error.
    pub(super) async fn notice(&self, sentence: &str) {
        self.send(Some(STDERR), &(report::render(Stream::Notice, sentence, Colour::Plain) + "\n")).await;
    }

    async fn send(&self, stream: Option<u32>, text: &str) {
        let bytes = match self.screen {
            Screen::Unknown => text.as_bytes().to_vec(),
            // A client with a terminal leaves it to the server to begin lines on the left.
            Screen::Terminal { .. } => text.replace('\n', "\r\n").into_bytes(),
        };
        self.send_bytes(stream, bytes).await;
    }

    async fn send_bytes(&self, stream: Option<u32>, bytes: Vec<u8>) {
        let sent = match stream {
            None => self.write.data_bytes(bytes).await,
            Some(stream) => self.write.extended_data_bytes(stream, bytes).await,
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "an SSH client was gone before it was answered");
        }
    }
}
