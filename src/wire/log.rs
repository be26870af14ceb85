//! Lines of a deployment's log.

use crate::model::deployment::Step;
use crate::model::log::{Level, LogLine, NewLine, Stream};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
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
