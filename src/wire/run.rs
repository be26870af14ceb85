//! What is said over the WebSocket of `/api/environments/:id/run`.

use crate::model::name::ProcessType;
use serde::{Deserialize, Serialize};

/// The subprotocol.
pub const RUN_PROTOCOL: &str = "gilgal.run.v1";
/// The first byte of a binary message: where its other bytes were printed. A terminal has the first only.
pub const STDOUT: u8 = 1;
pub const STDERR: u8 = 2;

/// The first message of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunBody {
    /// The program and its arguments; no shell reads them.
    #[serde(default)]
    pub command: Vec<String>,
    /// In its place: a line as it is typed, for the shell of the image where it needs one.
    #[serde(default)]
    pub line: Option<String>,
    /// The size of the terminal that it gets; without one its two outputs are told apart.
    #[serde(default)]
    pub terminal: Option<TerminalBody>,
    /// The process type whose limits it has; `null`: those of the environment.
    #[serde(default)]
    pub process: Option<ProcessType>,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalBody {
    pub columns: u16,
    pub rows: u16,
}

/// What a client says later; what it types are binary messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaidBody {
    /// The terminal has another size.
    Resize(TerminalBody),
    /// Nothing will be typed any more.
    EndOfInput(bool),
}

/// The last message of the server, unless it is an [`super::error::ErrorBody`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitBody {
    /// 128 + signal where a signal ended the command; 124 where it had no more time.
    pub exit_code: i64,
}

impl RunBody {
    /// What is wrong with it, in a sentence.
    ///
    /// # Errors
    /// Where there is no program or there are two, one holds NUL, or the terminal has no size.
    pub fn check(&self) -> Result<(), &'static str> {
        match &self.line {
            Some(_) if !self.command.is_empty() => return Err("Say a `command` or a `line`, not both."),
            Some(line) if line.trim().is_empty() => {
                return Err("`line` is a command as it is typed: \"ls -l\".");
            }
            None if self.command.first().is_none_or(String::is_empty) => {
                return Err("`command` is a list that begins with a program: [\"ls\", \"-l\"].");
            }
            Some(_) | None => {}
        }
        if self.command.iter().chain(&self.line).any(|text| text.contains('\0')) {
            return Err("A command cannot hold the character NUL.");
        }
        self.terminal.map_or(Ok(()), TerminalBody::check)
    }
}

impl TerminalBody {
    /// The same of a size.
    ///
    /// # Errors
    /// Where it is none.
    pub const fn check(self) -> Result<(), &'static str> {
        if self.columns == 0 || self.rows == 0 {
            return Err("A terminal has at least one column and one row.");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_documented() {
        let read =
            |text: &str| serde_json::from_str::<RunBody>(text).ok().filter(|body| body.check().is_ok());
        let body = read(r#"{"command":["sh","-c","ls"],"terminal":{"columns":80,"rows":24},"process":null}"#);
        assert_eq!(body.unwrap().terminal, Some(TerminalBody { columns: 80, rows: 24 }));
        assert_eq!(read(r#"{"command":["ls"]}"#).unwrap().terminal, None);
        assert_eq!(read(r#"{"line":"env | sort"}"#).unwrap().line.as_deref(), Some("env | sort"));
        for wrong in [
            "{}",
            r#"{"command":[]}"#,
            r#"{"command":[""]}"#,
            r#"{"command":"ls"}"#,
            r#"{"command":["ls"],"line":"ls"}"#,
            r#"{"line":" "}"#,
            r#"{"line":"a\u0000"}"#,
            r#"{"command":["a\u0000"]}"#,
            r#"{"command":["ls"],"terminal":{"columns":0,"rows":1}}"#,
            r#"{"command":["ls"],"terminal":{"columns":-1,"rows":1}}"#,
            r#"{"command":["ls"],"process":"../x"}"#,
            r#"{"command":["ls"],"other":1}"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let said = |text: &str| serde_json::from_str::<SaidBody>(text).ok();
        let size = TerminalBody { columns: 100, rows: 30 };
        assert_eq!(said(r#"{"resize":{"columns":100,"rows":30}}"#), Some(SaidBody::Resize(size)));
        assert_eq!(said(r#"{"end_of_input":true}"#), Some(SaidBody::EndOfInput(true)));
        assert_eq!(said(r#"{"end_of_input":true,"resize":1}"#), None);
        assert_eq!(serde_json::to_string(&ExitBody { exit_code: 3 }).unwrap(), r#"{"exit_code":3}"#);
    }
}
