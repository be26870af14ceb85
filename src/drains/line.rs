//! A line that is sent.

use crate::engine::OutputStream;
use crate::model::id::DeploymentId;
use crate::model::instance::InstanceId;
use crate::model::name::{EnvironmentName, Slug};
use crate::model::time::{Timestamp, now};
use chrono::SecondsFormat;
use serde_json::json;
use std::sync::Arc;

/// What a line costs in memory beside its text, more or less.
const OVERHEAD: usize = 96;
/// Characters of an instance's name that tell it from others, as Docker shows it.
const SHOWN: usize = 12;

/// One line, which may wait for several drains at once.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) source: Arc<Source>,
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// Who says a line, and how much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Printed(OutputStream),
    /// The server says something of the drain.
    Notice,
}

/// Where a line comes from.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) project: Slug,
    /// `web.1`; `drain` for what is said of the drain.
    pub(super) process: String,
    /// `None` for what is said of the drain.
    pub(super) origin: Option<Origin>,
}

/// The instance that has printed a line.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) environment: EnvironmentName,
    pub(super) instance: InstanceId,
    pub(super) deployment: DeploymentId,
}

impl Origin {
    /// The instance, in short.
    pub(super) fn instance_shown(&self) -> &str {
        self.instance.0.get(..SHOWN).unwrap_or(&self.instance.0)
    }
}

impl Line {
    /// Says that lines are missing before the next one.
    pub(super) fn of_dropped(count: u64, project: &Slug) -> Self {
        let lines = if count == 1 { "line was" } else { "lines were" };
        Self {
            at: now(),
            source: Arc::new(Source { project: project.clone(), process: "drain".to_owned(), origin: None }),
            kind: Kind::Notice,
            text: format!(
                "{count} {lines} dropped here: the receiver of the drain was away, too slow, or refused them."
            ),
        }
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.text.len() + OVERHEAD
    }

    /// The word for where it was printed.
    pub(super) const fn stream(&self) -> &'static str {
        match self.kind {
            Kind::Printed(OutputStream::Stdout) => "stdout",
            Kind::Printed(OutputStream::Stderr) => "stderr",
            Kind::Notice => "drain",
        }
    }

    /// The line as JSON, in one line.
    pub(super) fn to_json(&self) -> String {
        let mut body = json!({
            "time": self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "project": self.source.project.as_str(),
            "process": self.source.process,
            "stream": self.stream(),
            "text": self.text,
        });
        if let Some(origin) = &self.source.origin {
            body["environment"] = json!(origin.environment.as_str());
            body["instance"] = json!(origin.instance_shown());
            body["deployment"] = json!(origin.deployment);
        }
        body.to_string()
    }
}

#[cfg(test)]
pub(super) mod examples {
    use super::*;

    /// A line of `web.1` of a shop.
    pub(crate) fn line(text: &str) -> Line {
        let origin = Origin {
            environment: "production".parse().unwrap(),
            instance: InstanceId("0123456789abcdef".to_owned()),
            deployment: "0190b5c8-0000-7000-8000-000000000001".parse().unwrap(),
        };
        let project = "shop".parse().unwrap();
        Line {
            at: "2026-11-26T12:00:00.123456789Z".parse().unwrap(),
            source: Arc::new(Source { project, process: "web.1".to_owned(), origin: Some(origin) }),
            kind: Kind::Printed(OutputStream::Stdout),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_line_is_one_line_of_json() {
        insta::assert_snapshot!(line("\"hello\"\u{1b}[31m ✓").to_json(), @r#"{"deployment":"0190b5c8-0000-7000-8000-000000000001","environment":"production","instance":"0123456789ab","process":"web.1","project":"shop","stream":"stdout","text":"\"hello\"\u001b[31m ✓","time":"2026-11-26T12:00:00.123456Z"}"#);
        let dropped = Line::of_dropped(1, &"shop".parse().unwrap()).to_json();
        assert!(dropped.contains("1 line was dropped") && !dropped.contains("environment"), "{dropped}");
    }
}
