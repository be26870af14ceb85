//! From output in pieces to lines.

/// Longest line, in bytes. What is longer is cut into several: a program that prints no end of line must not fill the
/// server's memory.
const LONGEST_LINE: usize = 16 * 1024;

/// Puts the pieces of one output together to lines.
///
/// A line that was rewritten with carriage returns, as progress bars do, becomes its last state only. Bytes that are not
/// UTF-8 become U+FFFD.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes the next piece and gives every line that it completes, without their ends.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(part);
            if self.pending.ends_with(b"\n") {
                self.pending.pop();
                lines.push(self.take());
            } else if self.pending.len() > LONGEST_LINE {
                lines.push(self.take());
            }
        }
        lines
    }

    /// The beginning of a line that has not ended, if there is one; for when its output is over or pauses.
    pub fn flush(&mut self) -> Option<String> {
        (!self.pending.is_empty()).then(|| self.take())
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn take(&mut self) -> String {
        let last_state = self.pending.rsplit(|byte| *byte == b'\r').find(|state| !state.is_empty());
        let line = String::from_utf8_lossy(last_state.unwrap_or_default()).into_owned();
        self.pending.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_across_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\ntw"), ["one"]);
        assert_eq!(lines.push(b"o\n\nthree"), ["two", ""]);
        assert!(lines.has_pending());
        assert_eq!(lines.flush().as_deref(), Some("three"));
        assert_eq!(lines.flush(), None);
    }

    #[test]
    fn a_rewritten_line_shows_its_last_state() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b" 10%\r 50%\r"), Vec::<String>::new());
        assert_eq!(lines.push(b"100%\r\nwindows\r\n\r\n"), ["100%", "windows", ""]);
    }

    #[test]
    fn characters_survive_a_cut_in_their_middle_and_rubbish_is_replaced() {
        let mut lines = Lines::default();
        let text = "grün\n".as_bytes();
        assert!(lines.push(&text[..3]).is_empty());
        assert_eq!(lines.push(&text[3..]), ["grün"]);
        assert_eq!(lines.push(b"\xff\n"), ["\u{fffd}"]);
    }

    #[test]
    fn memory_stays_bounded_without_an_end_of_line() {
        let mut lines = Lines::default();
        let given: usize = (0..100).flat_map(|_| lines.push(&[b'x'; 1024])).map(|line| line.len()).sum();
        assert!(given > 80 * 1024 && lines.pending.len() <= LONGEST_LINE, "{given}");
    }
}
