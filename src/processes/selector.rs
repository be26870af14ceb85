//! Of which instances something is wanted.

use crate::model::instance::InstanceKey;
use crate::model::name::ProcessType;
use std::str::FromStr;

/// `web`, or `web.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSelector {
    pub process_type: ProcessType,
    pub index: Option<u16>,
}

/// The text names no process type and no instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is a process type or an instance, like `web` or `web.1`")]
pub struct InvalidSelector;

impl FromStr for ProcessSelector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let (process_type, index) = match text.split_once('.') {
            Some((process_type, index)) => (process_type, Some(index.parse().map_err(|_| InvalidSelector)?)),
            None => (text, None),
        };
        Ok(Self { process_type: process_type.parse().map_err(|_| InvalidSelector)?, index })
    }
}

impl ProcessSelector {
    pub(super) fn selects(&self, key: &InstanceKey) -> bool {
        self.process_type == key.process_type && self.index.is_none_or(|index| index == key.index)
    }

    /// The same for a name as people see it.
    pub(super) fn names(&self, process: &str) -> bool {
        let (process_type, index) = process.split_once('.').unwrap_or((process, ""));
        self.process_type.as_str() == process_type
            && self.index.is_none_or(|wanted| index.parse() == Ok(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_a_type_or_an_instance() {
        let parse = |text: &str| text.parse::<ProcessSelector>();
        let web = "web".parse().unwrap();
        assert_eq!(parse("web"), Ok(ProcessSelector { process_type: web, index: None }));
        assert_eq!(parse("worker.12").unwrap().index, Some(12));
        for wrong in ["", ".", "web.", "web.x", "web.1.2", "web.-1", "a b", "../x"] {
            assert_eq!(parse(wrong), Err(InvalidSelector), "{wrong}");
        }
    }
}
