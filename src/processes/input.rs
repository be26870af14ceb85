//! What somebody has typed for a command that has not read it yet.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io;

/// Bytes that wait for a command that does not read; then whoever types waits.
const AHEAD: usize = 1024 * 1024;

/// Input that waits for a command.
#[derive(Debug, Default)]
pub struct Waiting {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// Whether nothing will follow, and whether the command has been told so.
    ended: bool,
    closed: bool,
}

impl Waiting {
    /// Whether more of it can be taken.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.bytes < AHEAD
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether the command is to be told now that nothing will follow.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended && self.pieces.is_empty() && !self.closed
    }

    /// What is to be written next.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |bytes| bytes)
    }

    /// Takes more, unless it was said that nothing follows.
    pub fn push(&mut self, piece: Bytes) {
        if !self.ended && !piece.is_empty() {
            self.bytes += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// Nothing will follow.
    pub const fn end(&mut self) {
        self.ended = true;
    }

    /// The command was told so.
    pub const fn close(&mut self) {
        self.closed = true;
    }

    /// So much of the first piece was written. A command that has closed its input is not written to any more.
    pub fn written(&mut self, count: io::Result<usize>) {
        let mut count = count.unwrap_or(self.bytes);
        self.bytes -= count;
        while let Some(first) = self.pieces.front_mut() {
            let taken = count.min(first.len());
            drop(first.split_to(taken));
            count -= taken;
            if !first.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_part_goes_on_where_it_was() {
        let mut waiting = Waiting::default();
        for piece in ["abc", "", "de"] {
            waiting.push(Bytes::from_static(piece.as_bytes()));
        }
        waiting.written(Ok(2));
        assert_eq!(waiting.first(), b"c");
        waiting.written(Ok(1));
        assert_eq!(waiting.first(), b"de");
        waiting.end();
        waiting.push(Bytes::from_static(b"more"));
        assert!(!waiting.is_over());
        waiting.written(Ok(2));
        assert!(waiting.is_empty() && waiting.is_over());
        waiting.close();
        assert!(!waiting.is_over());
    }

    #[test]
    fn one_that_does_not_read_makes_who_types_wait() {
        let mut waiting = Waiting::default();
        waiting.push(Bytes::from(vec![0; AHEAD]));
        assert!(!waiting.has_room());
        waiting.written(Err(io::ErrorKind::BrokenPipe.into()));
        assert!(waiting.has_room() && waiting.is_empty());
    }
}
