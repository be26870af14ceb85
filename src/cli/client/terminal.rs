//! The terminal of a person, lent to a command that runs elsewhere.

use crate::cli::printer;
use crate::wire::run::TerminalBody;
use bytes::Bytes;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, Read, stdin};
use std::thread;
use tokio::sync::mpsc;

/// Bytes that are read at a time, and how many such pieces may wait to be sent.
const PIECE: usize = 16 * 1024;
const AHEAD: usize = 8;

/// The size of the terminal; `None` where there is none.
pub(super) fn size() -> Option<TerminalBody> {
    let (columns, rows) = printer::terminal_size()?;
    let size = TerminalBody { columns, rows };
    size.check().is_ok().then_some(size)
}

/// A terminal whose keys are for somebody else, Ctrl-C included. It is as before when this is dropped.
pub(super) struct Raw(Termios);

impl Raw {
    /// # Errors
    /// When standard input is no terminal.
    pub(super) fn begin() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        tcsetattr(stdin(), OptionalActions::Now, &self.0).ok();
    }
}

/// Standard input piece by piece, until its end. A thread of its own waits for it: nobody waits for that one at the end.
pub(super) fn typed() -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = stdin().lock().read(&mut piece) {
            if sender.blocking_send(Bytes::copy_from_slice(&piece[..count])).is_err() {
                break;
            }
        }
    });
    receiver
}
