//! Lines of a log that are handed on together.

use crate::model::log::LogLine;
use crate::wire::log::LogEvents;
use std::sync::{Arc, OnceLock};

/// Most lines of a piece.
const LINES: usize = 500;
/// Bytes of text with which a piece is full.
const TEXT: usize = 64 * 1024;

/// Lines of a log, at least one, in their order and with nothing between them. Readers that are at the same place share
/// it, and what it is made into for them.
#[derive(Debug)]
pub struct Piece {
    lines: Vec<LogLine>,
    events: OnceLock<LogEvents>,
}

impl Piece {
    /// `None` where there are no lines.
    fn of(lines: Vec<LogLine>) -> Option<Arc<Self>> {
        (!lines.is_empty()).then(|| Arc::new(Self { lines, events: OnceLock::new() }))
    }

    /// Any number of lines as pieces that are not large.
    #[must_use]
    pub fn all_of(lines: Vec<LogLine>) -> Vec<Arc<Self>> {
        let (mut pieces, mut piece, mut text) = (Vec::new(), Vec::new(), 0);
        for line in lines {
            text += line.line.text.len();
            piece.push(line);
            if piece.len() == LINES || text >= TEXT {
                pieces.extend(Self::of(std::mem::take(&mut piece)));
                text = 0;
            }
        }
        pieces.extend(Self::of(piece));
        pieces
    }

    /// What of it comes after a number.
    pub(super) fn after(self: &Arc<Self>, seq: i64) -> Option<Arc<Self>> {
        self.only(|line| line.seq > seq)
    }

    /// What of it is wanted, if anything.
    #[must_use]
    pub fn only(self: &Arc<Self>, is_wanted: impl Fn(&LogLine) -> bool) -> Option<Arc<Self>> {
        if self.lines.iter().all(&is_wanted) {
            return Some(Arc::clone(self));
        }
        Self::of(self.lines.iter().filter(|line| is_wanted(line)).cloned().collect())
    }

    /// The lines, in their order.
    #[must_use]
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// Number of the last line.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.lines.last().map_or(0, |line| line.seq)
    }

    /// Number of the first line.
    pub(super) fn first(&self) -> i64 {
        self.lines.first().map_or(0, |line| line.seq)
    }

    /// The lines as they are sent to programs: made for the first reader that asks, the same for the others.
    #[must_use]
    pub fn events(&self) -> &LogEvents {
        self.events.get_or_init(|| LogEvents::of(&self.lines))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::line;
    use super::*;

    fn lines(texts: impl IntoIterator<Item = String>) -> Vec<LogLine> {
        (1..).zip(texts).map(|(seq, text)| LogLine { seq, line: line(&text) }).collect()
    }

    #[test]
    fn a_piece_is_not_large() {
        let counts = |texts: Vec<String>| -> Vec<usize> {
            Piece::all_of(lines(texts)).iter().map(|piece| piece.lines().len()).collect()
        };
        assert!(counts(vec![]).is_empty());
        assert_eq!(counts(vec!["x".to_owned(); 1_200]), [500, 500, 200]);
        assert_eq!(counts(vec!["x".repeat(30_000); 7]), [3, 3, 1]);
    }

    #[test]
    fn those_who_want_all_of_it_share_it() {
        let piece = Piece::all_of(lines(["a", "b", "c"].map(str::to_owned))).remove(0);
        assert!(Arc::ptr_eq(&piece.after(0).unwrap(), &piece));
        assert!(piece.after(3).is_none());
        let rest = piece.after(1).unwrap();
        assert_eq!((rest.first(), rest.last()), (2, 3));
        assert!(std::ptr::eq(piece.events(), piece.events()));
    }
}
