//! What git's client says first, looked at on its way to git and never changed.

use super::session::Refusal;
use crate::git::names_hidden_reference;
use crate::receive::packet;
use russh::{ChannelMsg, ChannelReadHalf};
use std::io::ErrorKind;

/// Longest beginning that is looked at. A push names its capabilities in the first of its packets.
const LONGEST: usize = 64 * 1024;

/// Finds out whether the git that pushes writes to a terminal.
///
/// git asks the server to be `quiet` when its standard error is no terminal (or it was told so by `--no-progress`), in the
/// capabilities behind the first command (gitprotocol-capabilities(5), git's `send-pack.c`).
#[derive(Debug, Default)]
pub(super) struct TerminalSearch {
    head: Vec<u8>,
    found: bool,
}

impl TerminalSearch {
    /// Takes the next bytes of the client; answers once, when they have said it.
    pub(super) fn take(&mut self, data: &[u8]) -> Option<bool> {
        if self.found {
            return None;
        }
        self.head.extend_from_slice(&data[..data.len().min(LONGEST)]);
        let answer = at_terminal(&self.head).or_else(|| (self.head.len() >= LONGEST).then_some(false));
        if answer.is_some() {
            self.found = true;
            self.head = Vec::new();
        }
        answer
    }
}

/// What the first packets say; `None`: not enough of them is there.
fn at_terminal(mut head: &[u8]) -> Option<bool> {
    loop {
        match packet::read(&mut head) {
            // The boundary of a shallow clone comes before the commands, without capabilities.
            Ok(Some(content)) => {
                if let Some(end) = content.iter().position(|byte| *byte == 0) {
                    let mut capabilities = content[end + 1..].split(u8::is_ascii_whitespace);
                    return Some(!capabilities.any(|capability| capability == b"quiet"));
                }
            }
            Ok(None) => return Some(false),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
            Err(_) => return Some(false),
        }
    }
}

/// Reads what `git archive --remote` wants, up to the flush packet behind its arguments, and gives it back as it came;
/// `None`: the client has hung up.
///
/// git's upload-archive knows no hidden references, so those of the server are refused here.
pub(super) async fn archive_request(read: &mut ChannelReadHalf) -> Result<Option<Vec<u8>>, Refusal> {
    let mut head = Vec::new();
    while !is_whole(&head)? {
        match read.wait().await {
            Some(ChannelMsg::Data { data }) => head.extend_from_slice(&data),
            Some(ChannelMsg::Eof) => {
                return Err(Refusal("`git archive` has sent a request that is not whole.".to_owned()));
            }
            Some(ChannelMsg::Close) | None => return Ok(None),
            Some(_) => {}
        }
    }
    Ok(Some(head))
}

/// Whether a request is there whole; refuses one for what is hidden.
fn is_whole(head: &[u8]) -> Result<bool, Refusal> {
    match packet::read_section(&mut &*head) {
        Ok(lines) => match lines.iter().find(|line| names_hidden_reference(line)) {
            Some(_) => Err(Refusal("There is no such reference. Name a branch or a tag.".to_owned())),
            None => Ok(true),
        },
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && head.len() <= LONGEST => Ok(false),
        Err(_) => Err(Refusal("`git archive` has sent a request that is not understood.".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(content: &str) -> String {
        format!("{:04x}{content}", content.len() + 4)
    }

    fn command(capabilities: &str) -> String {
        let (old, new) = ("0".repeat(40), "1".repeat(40));
        packet(&format!("{old} {new} refs/heads/main\0 {capabilities}"))
    }

    fn search(text: &str) -> Option<bool> {
        TerminalSearch::default().take(text.as_bytes())
    }

    #[test]
    fn git_says_whether_it_writes_to_a_terminal() {
        assert_eq!(search(&command("report-status side-band-64k agent=git/2.47")), Some(true));
        assert_eq!(search(&command("report-status side-band-64k quiet agent=git/2.47")), Some(false));
        // No capability: only a part of another one's value.
        assert_eq!(search(&command("report-status agent=quiet")), Some(true));
        let shallow = packet(&format!("shallow {}", "2".repeat(40)));
        assert_eq!(search(&(shallow + &command("quiet"))), Some(false));
        assert_eq!(search("0000"), Some(false));
        assert_eq!(search("zzzz"), Some(false));
        assert_eq!(search(&"a".repeat(LONGEST + 1)), Some(false));
    }

    #[test]
    fn it_is_found_however_the_bytes_are_cut() {
        let bytes = command("report-status quiet");
        for cut in 0..bytes.len() {
            let (first, second) = bytes.as_bytes().split_at(cut);
            let mut search = TerminalSearch::default();
            assert_eq!(search.take(first), None, "{cut}");
            assert_eq!(search.take(second), Some(false), "{cut}");
            assert_eq!(search.take(b"PACK"), None);
        }
    }

    #[test]
    fn what_is_hidden_is_not_archived() {
        let request = |argument: &str| {
            packet(&format!("argument {argument}\n")) + &packet("argument --format=tar\n") + "0000"
        };
        assert!(is_whole(request("main").as_bytes()).is_ok_and(|whole| whole));
        assert!(is_whole(&request("main").as_bytes()[..20]).is_ok_and(|whole| !whole));
        for hidden in ["refs/gilgal/deployments/x", "gilgal/deployments/x:src"] {
            assert!(is_whole(request(hidden).as_bytes()).is_err(), "{hidden}");
        }
        assert!(is_whole(b"zzzz").is_err());
    }
}
