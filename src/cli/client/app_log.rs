//! Following what the instances of an environment print, over connections that may break.

use super::api::Api;
use super::events::EventReader;
use super::failure::{Exit, Failure};
use super::refusal::parse;
use crate::model::time::Timestamp;
use crate::wire::process::AppLineBody;
use chrono::{SecondsFormat, TimeDelta};
use reqwest::Response;
use std::collections::HashMap;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The server sends a comment every 15 seconds: a connection that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Before a connection that broke is made again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a server may be away: a restart is not the end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Instances print at the same time: a line of one may be told this long after a later one of another.
const APART: TimeDelta = TimeDelta::seconds(5);
/// As many lines as the server tells at once of those that were printed already.
const MOST: u16 = 1000;

/// Which lines are wanted of those that were printed already.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstLines {
    pub(super) most: u16,
    /// Nothing that was printed before.
    pub(super) since: Option<Timestamp>,
}

impl FirstLines {
    /// What to ask for.
    pub(super) fn query(self) -> String {
        query(self.most, self.since)
    }
}

fn query(most: u16, since: Option<Timestamp>) -> String {
    let since = since.map(|since| since.to_rfc3339_opts(SecondsFormat::Millis, true));
    format!("tail={most}{}", since.map(|since| format!("&since={since}")).unwrap_or_default())
}

/// The newest line of each instance that was told.
#[derive(Debug, Default, Clone)]
struct Told(HashMap<String, Timestamp>);

impl Told {
    fn note(&mut self, line: &AppLineBody) {
        if let Some(time) = line.time {
            self.0.insert(line.process.clone(), time);
        }
    }

    /// Whether a line is from before the newest one of its instance.
    fn has(&self, line: &AppLineBody) -> bool {
        line.time.zip(self.0.get(&line.process)).is_some_and(|(time, newest)| time <= *newest)
    }

    /// What to ask for to hear the rest.
    fn query(&self, first: FirstLines) -> String {
        match self.0.values().max() {
            Some(newest) => query(MOST, Some(*newest - APART)),
            None => first.query(),
        }
    }
}

/// Gives each line once: some that were printed already, then the others as they come. `path` ends with `?` or `&`.
///
/// # Errors
/// When the server stays away or refuses. A reader that is gone is none: it has read enough.
pub(super) async fn follow(
    api: &Api,
    path: &str,
    first: FirstLines,
    mut show: impl FnMut(&AppLineBody) -> io::Result<()>,
) -> Result<(), Failure> {
    let (mut told, mut heard) = (Told::default(), Instant::now());
    loop {
        let path = format!("{path}{}", told.query(first));
        match api.open(&path, "text/event-stream").await {
            Ok(response) => {
                if read(response, &mut told, &mut show).await.is_err() {
                    return Ok(());
                }
                heard = Instant::now();
            }
            Err(failure) if failure.exit == Exit::Unreachable && heard.elapsed() < PATIENCE => {}
            Err(failure) => return Err(failure),
        }
        sleep(PAUSE).await;
    }
}

/// Reads until the connection breaks.
async fn read(
    mut response: Response,
    told: &mut Told,
    show: &mut impl FnMut(&AppLineBody) -> io::Result<()>,
) -> io::Result<()> {
    let (before, mut reader) = (told.clone(), EventReader::default());
    while let Ok(Ok(Some(bytes))) = timeout(SILENCE, response.chunk()).await {
        for event in reader.read(&bytes) {
            let value = serde_json::from_str(&event.data).unwrap_or_default();
            // A kind of event that a newer server may have is not for this program.
            let Ok(line) = parse::<AppLineBody>(value) else { continue };
            if !before.has(&line) {
                told.note(&line);
                show(&line)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(process: &str, time: &str) -> AppLineBody {
        let line = json!({ "time": time, "process": process, "stream": "stdout", "text": "x" });
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn a_connection_that_is_made_again_goes_on_where_each_instance_was() {
        let mut told = Told::default();
        let first = FirstLines { most: 50, since: None };
        assert_eq!(told.query(first), "tail=50");
        let since = FirstLines { since: "2026-01-01T00:00:00Z".parse().ok(), ..first };
        assert_eq!(told.query(since), "tail=50&since=2026-01-01T00:00:00.000Z");
        told.note(&line("web.1", "2026-01-01T00:00:10.5Z"));
        told.note(&line("web.2", "2026-01-01T00:00:09Z"));
        assert_eq!(told.query(since), "tail=1000&since=2026-01-01T00:00:05.500Z");
        assert!(told.has(&line("web.1", "2026-01-01T00:00:10.5Z")));
        assert!(!told.has(&line("web.1", "2026-01-01T00:00:10.6Z")));
        assert!(!told.has(&line("web.2", "2026-01-01T00:00:10Z")));
        assert!(!told.has(&line("web.3", "2026-01-01T00:00:01Z")));
    }
}
