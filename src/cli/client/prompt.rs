//! Questions to the person at the terminal. Where there is no terminal, the answers are the lines of standard input.

use super::failure::{Exit, Failure};
use crate::cli::printer;
use crate::model::secret::Secret;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Read, Stdin};

/// Longest answer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Whether somebody can be asked.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal()
}

/// Asks for a line.
pub(super) fn line(question: &str) -> Result<String, Failure> {
    if is_possible() {
        printer::ask(question);
    }
    let mut answer = String::new();
    let read = io::stdin().lock().take(LONGEST).read_line(&mut answer);
    match read {
        Ok(0) => Err(no_answer(question)),
        Ok(_) => Ok(answer.trim().to_owned()),
        Err(error) => Err(no_answer(question).caused_by(&error)),
    }
}

/// Asks for what nobody is to read on the screen.
pub(super) fn secret(question: &str) -> Result<Secret<String>, Failure> {
    if !is_possible() {
        return line(question).map(Secret::new);
    }
    let stdin = io::stdin();
    let silence = Silence::begin(&stdin).map_err(|error| no_answer(question).caused_by(&error))?;
    printer::ask(question);
    let typed = typed(&mut stdin.lock());
    drop(silence);
    printer::ask("\n");
    match typed {
        Ok(Some(text)) => Ok(Secret::new(text)),
        Ok(None) => Err(Failure::new("Nothing was done.").with_exit(Exit::Interrupted)),
        Err(error) => Err(no_answer(question).caused_by(&error)),
    }
}

fn no_answer(question: &str) -> Failure {
    let wanted = question.trim_end_matches([':', ' ']);
    Failure::usage(format!("There is no answer to \"{wanted}\""))
        .with_hint("Type it at a terminal, or send it to standard input, a line an answer.")
}

/// What is typed until the line ends, key by key. `None` after Ctrl-C, or Ctrl-D on an empty line.
fn typed(input: &mut impl Read) -> io::Result<Option<String>> {
    let mut text = Vec::new();
    let mut key = [0];
    loop {
        if input.read(&mut key)? == 0 {
            return Ok(None);
        }
        match key[0] {
            b'\r' | b'\n' => return Ok(Some(String::from_utf8_lossy(&text).into_owned())),
            // Ctrl-C
            3 => return Ok(None),
            // Ctrl-D
            4 if text.is_empty() => return Ok(None),
            // Backspace takes a whole character, which in UTF-8 ends with a byte that continues none.
            8 | 127 => while text.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {},
            // Ctrl-U
            21 => text.clear(),
            byte => text.push(byte),
        }
    }
}

/// A terminal that shows nothing of what is typed. It is as before when this is dropped.
///
/// Keys do not become signals meanwhile: one that ended the program would leave the terminal silent.
struct Silence<'a> {
    terminal: &'a Stdin,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(terminal: &'a Stdin) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed before the question is no answer to it.
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        tcsetattr(self.terminal, OptionalActions::Now, &self.before).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed_in(keys: &str) -> Option<String> {
        typed(&mut keys.as_bytes()).unwrap()
    }

    #[test]
    fn keys_edit_what_cannot_be_seen() {
        for (keys, text) in [
            ("horse\r", "horse"),
            ("hosre\u{7f}\u{7f}\u{7f}rse\n", "horse"),
            ("ä\u{7f}ö\u{8}\u{8}ü\r", "ü"),
            ("wrong\u{15}right\r", "right"),
            ("a\u{4}b\r", "a\u{4}b"),
            ("\r", ""),
        ] {
            assert_eq!(typed_in(keys).as_deref(), Some(text), "{keys:?}");
        }
        for keys in ["secr\u{3}et\r", "\u{4}", "", "no end"] {
            assert_eq!(typed_in(keys), None, "{keys:?}");
        }
    }
}
