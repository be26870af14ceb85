//! Lines of a deployment's log.

use crate::model::deployment::Step;
use crate::model::log::{Level, LogLine, NewLine, Stream};
use crate::model::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use utoipa::ToSchema;

/// One line, as JSON and as the data of a server-sent event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLineBody {
    /// Counts up from 1; where the server was interrupted it goes on with a higher one. `?after=` takes it.
    pub seq: i64,
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    pub level: Level,
    pub step: Step,
    pub stream: Stream,
    pub text: String,
}

impl From<LogLine> for LogLineBody {
    fn from(line: LogLine) -> Self {
        let LogLine { seq, line: NewLine { at, level, step, stream, text } } = line;
        Self { seq, time: at, level, step, stream, text }
    }
}

/// Lines as server-sent events (WHATWG HTML §9.2), one a line, whose id is the line's number and whose data is its JSON.
#[derive(Debug)]
pub struct LogEvents {
    text: Bytes,
    /// Where in the text the JSON of each line is.
    bodies: Vec<Range<usize>>,
}

impl LogEvents {
    #[must_use]
    pub fn of(lines: &[LogLine]) -> Self {
        let (mut text, mut bodies) = (String::new(), Vec::with_capacity(lines.len()));
        for line in lines {
            text.push_str("data:");
            let begin = text.len();
            // JSON has no line ends: they would end the event.
            text.push_str(&serde_json::json!(LogLineBody::from(line.clone())).to_string());
            bodies.push(begin..text.len());
            text.push_str(&format!("\nid:{}\n\n", line.seq));
        }
        Self { text: text.into(), bodies }
    }

    /// All of them, as they are sent.
    #[must_use]
    pub fn text(&self) -> Bytes {
        self.text.clone()
    }

    /// The JSON of each line.
    pub fn bodies(&self) -> impl Iterator<Item = String> {
        let bodies = self.bodies.iter().filter_map(|place| self.text.get(place.clone()));
        bodies.map(|body| String::from_utf8_lossy(body).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::now;

    #[test]
    fn lines_are_events_and_bodies() {
        let line = |seq, text: &str| LogLine {
            seq,
            line: NewLine {
                at: now(),
                level: Level::Info,
                step: Step::Build,
                stream: Stream::Build,
                text: text.to_owned(),
            },
        };
        let lines = [line(7, "a"), line(8, "ü\r\n\n\u{2028}data:x")];
        let events = LogEvents::of(&lines);
        let bodies: Vec<String> = events.bodies().collect();
        let text = format!("data:{}\nid:7\n\ndata:{}\nid:8\n\n", bodies[0], bodies[1]);
        assert_eq!(events.text(), text);
        assert_eq!(text.lines().count(), 6);
        let read: Vec<LogLineBody> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
        assert_eq!(read, lines.map(LogLineBody::from));
    }
}
