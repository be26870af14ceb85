//! From output in pieces to lines.

/// Longest line, in bytes. Of what is longer the beginning is kept: a program that prints no end of line must not fill
/// the server's memory. The rest is dropped and not given as further lines, since a value that is to be masked is found
/// in one line only.
const LONGEST_LINE: usize = 16 * 1024;

/// Puts the pieces of one output together to lines.
///
/// A line that was rewritten with carriage returns, as progress bars do, becomes its last state only. Bytes that are not
/// UTF-8 become U+FFFD.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
    /// Whether the line is longer than what is kept of it.
    overlong: bool,
}

impl Lines {
    /// Takes the next piece and gives every line that it completes, without their ends.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.extend(end);
                    lines.push(self.take());
                }
                None => self.extend(part),
            }
        }
        lines
    }

    /// The beginning of a line that has not ended, if there is one; for when its output is over. Not for a pause in it:
    /// half of a value that is to be masked is not recognised.
    pub fn flush(&mut self) -> Option<String> {
        (!self.pending.is_empty()).then(|| self.take())
    }

    /// Adds to the line without an end of line.
    fn extend(&mut self, part: &[u8]) {
        for state in part.split_inclusive(|byte| *byte == b'\r') {
            // What was written before the last carriage return will not be shown, unless nothing follows it.
            if self.pending.ends_with(b"\r") && state != b"\r" {
                self.pending.clear();
                self.overlong = false;
            }
            if !self.overlong {
                self.pending.extend_from_slice(state);
            } else if state.ends_with(b"\r") {
                self.pending.push(b'\r');
            }
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        if self.pending.len() <= LONGEST_LINE {
            return;
        }
        let ended = self.pending.ends_with(b"\r");
        let is_inside = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
        let mut end = LONGEST_LINE - 1;
        // A character of UTF-8 has at most three bytes behind its first.
        for _ in 0..3 {
            end -= usize::from(is_inside(self.pending[end]));
        }
        self.pending.truncate(end);
        self.overlong = true;
        if ended {
            self.pending.push(b'\r');
        }
    }

    fn take(&mut self) -> String {
        let last_state = self.pending.rsplit(|byte| *byte == b'\r').find(|state| !state.is_empty());
        let line = String::from_utf8_lossy(last_state.unwrap_or_default()).into_owned();
        self.pending.clear();
        self.overlong = false;
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
        for _ in 0..100 {
            assert_eq!(lines.push(&[b'x'; 1024]), Vec::<String>::new());
            assert!(lines.pending.len() <= LONGEST_LINE);
        }
        let line = lines.push(b"y\nnext\n");
        assert!(line[0].len() > 15 * 1024 && line[0].ends_with('x'), "{}", line[0].len());
        assert_eq!(line[1..], ["next"]);
    }

    #[test]
    fn a_progress_bar_of_any_length_shows_its_last_state() {
        let mut lines = Lines::default();
        for percent in 0..5_000 {
            assert!(lines.push(format!("{percent:>10}%\r").as_bytes()).is_empty());
            assert!(lines.pending.len() <= LONGEST_LINE);
        }
        lines.push(&vec![b'x'; 2 * LONGEST_LINE]);
        assert_eq!(lines.push(b"\rdone\r\n"), ["done"]);
    }

    #[test]
    fn a_line_is_never_given_in_parts() {
        // What is to be masked must not be cut in two: at the longest line, or by a pause between two pieces.
        let canary = "canary-canary-canary";
        for before in LONGEST_LINE - 2 * canary.len()..LONGEST_LINE + 2 {
            let (mut lines, text) =
                (Lines::default(), format!("{}{canary} and more\n", "ü".repeat(before / 2)));
            let given: Vec<_> = text.as_bytes().chunks(1000).flat_map(|piece| lines.push(piece)).collect();
            assert_eq!(given.len(), 1, "the line is cut into {}", given.len());
            assert!(text.starts_with(&given[0]));
        }
    }
}
