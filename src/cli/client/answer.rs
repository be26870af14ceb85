//! What a command says when it has done its work.

use super::failure::Exit;
use super::table::Table;
use serde_json::Value;

/// The answer of a command, for people and for programs.
#[derive(Debug)]
pub(super) struct Answer {
    /// Lines for people; empty where everything was said on the way.
    pub(super) screen: String,
    /// What `--json` prints: as the API gave it, where it comes from there. `None` where everything was said on the way.
    pub(super) json: Option<Value>,
    /// What a person should know beside it, on standard error.
    pub(super) notices: Vec<String>,
    pub(super) exit: Exit,
}

impl Answer {
    pub(super) fn new(screen: impl Into<String>, json: Value) -> Self {
        Self { screen: screen.into(), json: Some(json), notices: Vec::new(), exit: Exit::Done }
    }

    /// Everything was said on the way.
    pub(super) fn said() -> Self {
        Self { screen: String::new(), json: None, notices: Vec::new(), exit: Exit::Done }
    }

    /// A table, or a sentence where it has no rows.
    pub(super) fn table(table: &Table, width: Option<usize>, empty: &str, json: Value) -> Self {
        let screen = if table.is_empty() { empty.to_owned() } else { table.render(width) };
        Self::new(screen, json)
    }

    pub(super) fn with_notice(mut self, notice: impl Into<String>) -> Self {
        self.notices.push(notice.into());
        self
    }

    pub(super) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}
