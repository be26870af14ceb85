//! What the instances of an environment print.
//!
//! The engine keeps it, and every reader reads it from there: one who reads slowly, or not at all, waits for nobody and
//! nobody waits for them. What an instance has printed is gone with the instance.

use super::{ProcessError, ProcessSelector, Processes, Search};
use crate::engine::{Engine, EngineEventKind, LogFollower, LogPart, OutputLine, OutputStream};
use crate::model::environment::Environment;
use crate::model::id::EnvironmentId;
use crate::model::instance::{Instance, InstanceId, InstanceKey, InstanceState};
use crate::model::time::{Timestamp, now};
use crate::model::vitals::Note;
use chrono::SecondsFormat;
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Lines that wait for a reader before the engine is not read any further for them.
const AHEAD: usize = 64;

/// How often what the server notes is looked for.
const NOTES_EVERY: Duration = Duration::from_millis(500);

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogRequest {
    /// Nothing that was printed before.
    pub since: Option<Timestamp>,
    /// At most so many of those that were printed already, the last ones.
    pub tail: u32,
    /// Of these instances only.
    pub process: Option<ProcessSelector>,
    /// Those with this text only.
    pub search: Option<Search>,
}

/// One line that an instance has printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppLine {
    pub at: Option<Timestamp>,
    /// `web.1`
    pub process: String,
    pub source: LineSource,
    pub text: String,
}

/// Who says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineSource {
    /// The instance has printed it.
    App(OutputStream),
    /// The server says what it has seen of the instance, or done to it.
    Server,
}

impl LogRequest {
    fn wants(&self, environment: EnvironmentId, key: &InstanceKey) -> bool {
        let selected = self.process.as_ref().is_none_or(|process| process.selects(key));
        key.environment_id == environment && selected
    }

    /// Whether a line that was printed by an instance that is wanted, is wanted itself.
    fn finds(&self, text: &str) -> bool {
        self.search.as_ref().is_none_or(|search| search.finds(text))
    }
}

impl AppLine {
    /// What stands in front of its text where it is shown: `2026-11-26T12:00:00.000Z app[web.1]: `.
    #[must_use]
    pub fn prefix(&self) -> String {
        let at = self.at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true) + " ");
        let who = match self.source {
            LineSource::App(_) => "app",
            LineSource::Server => "gilgal",
        };
        format!("{}{who}[{}]: ", at.unwrap_or_default(), self.process)
    }

    fn of(key: &InstanceKey, line: OutputLine) -> Self {
        let OutputLine { stream, at, text } = line;
        Self { at, process: key.shown(), source: LineSource::App(stream), text }
    }

    fn noted(note: Note) -> Self {
        Self { at: Some(note.at), process: note.process, source: LineSource::Server, text: note.text }
    }
}

impl Processes {
    /// What has been printed so far, in the order in which it was.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn printed(
        &self,
        environment: &Environment,
        request: &LogRequest,
    ) -> Result<Vec<AppLine>, ProcessError> {
        let mut instances = self.engine.list().await?;
        instances.retain(|instance| request.wants(environment.id, &instance.key));
        let printed = join_all(instances.iter().map(|instance| self.printed_by(instance, request))).await;
        let mut lines: Vec<AppLine> = printed.into_iter().flatten().collect();
        lines.extend(self.noted(environment.id, request, request.since));
        // Stable: lines of one instance stay in their order.
        lines.sort_by_key(|line| line.at);
        let tail = usize::try_from(request.tail).unwrap_or(usize::MAX);
        Ok(lines.split_off(lines.len().saturating_sub(tail)))
    }

    /// What the server has noted after a moment.
    fn noted(
        &self,
        environment: EnvironmentId,
        request: &LogRequest,
        after: Option<Timestamp>,
    ) -> impl Iterator<Item = AppLine> + use<> {
        let notes = self.vitals.notes_of(environment, after).into_iter();
        let request = request.clone();
        let wanted = move |note: &Note| {
            let selected = request.process.as_ref().is_none_or(|process| process.names(&note.process));
            selected && request.finds(&note.text)
        };
        notes.filter(wanted).map(AppLine::noted)
    }

    /// One whose log cannot be read, such as one that is being removed, has none.
    async fn printed_by(&self, instance: &Instance, request: &LogRequest) -> Vec<AppLine> {
        // Which lines have a text is not known before they are read: all that there are, of which the last are kept.
        let tail = request.search.is_none().then_some(request.tail);
        let part = LogPart { timed: true, since: request.since, tail, ..LogPart::default() };
        let most = usize::try_from(request.tail).unwrap_or(usize::MAX);
        let mut lines = self.engine.logs(&instance.id, part);
        let (mut last, mut kept) = (None, VecDeque::new());
        while let Some(line) = lines.next().await {
            let Ok(line) = line else { continue };
            let mut line = AppLine::of(&instance.key, line);
            // What has no time belongs to the line before it.
            line.at = line.at.or(last);
            last = line.at;
            let is_old = request.since.zip(line.at).is_some_and(|(since, at)| at < since);
            if !is_old && request.finds(&line.text) {
                kept.push_back(line);
                if kept.len() > most {
                    kept.pop_front();
                }
            }
        }
        kept.into()
    }

    /// What has been printed, then what is printed from now on, by whatever instances come and go, for as long as somebody
    /// takes it.
    ///
    /// # Errors
    /// When the engine does not answer at the beginning; later it is waited for.
    pub async fn follow(
        &self,
        environment: &Environment,
        request: LogRequest,
    ) -> Result<mpsc::Receiver<AppLine>, ProcessError> {
        let begun = now();
        let printed = self.printed(environment, &request).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let followed = Followed {
            processes: self.clone(),
            engine: Arc::clone(&self.engine),
            environment: environment.id,
            request,
            sender,
        };
        tokio::spawn(followed.run(printed, begun));
        Ok(receiver)
    }
}

/// A log that somebody follows.
struct Followed {
    processes: Processes,
    engine: Arc<dyn Engine>,
    environment: EnvironmentId,
    request: LogRequest,
    sender: mpsc::Sender<AppLine>,
}

impl Followed {
    async fn run(self, printed: Vec<AppLine>, begun: Timestamp) {
        let mut shown: HashMap<String, Timestamp> = HashMap::new();
        for line in printed {
            shown.extend(line.at.map(|at| (line.process.clone(), at)));
            if self.sender.send(line).await.is_err() {
                return;
            }
        }
        // Tells of every instance that there is first, and of each that is started.
        let mut events = self.engine.events();
        let mut reading =
            Reading { begun, shown, readers: JoinSet::new(), read: HashSet::new(), last: HashMap::new() };
        let mut noted = begun;
        let mut look_for_notes = tokio::time::interval(NOTES_EVERY);
        loop {
            tokio::select! {
                _ = look_for_notes.tick() => {
                    for line in self.processes.noted(self.environment, &self.request, Some(noted)) {
                        noted = line.at.unwrap_or(noted);
                        if self.sender.send(line).await.is_err() {
                            return;
                        }
                    }
                }
                event = events.next() => match event {
                    Some(event) if event.kind == EngineEventKind::Started => {
                        if let Ok(Some(instance)) = self.engine.inspect(&event.instance).await {
                            self.read(&mut reading, instance);
                        }
                    }
                    Some(_) => {}
                    None => return,
                },
                Some(ended) = reading.readers.join_next() => if let Ok((id, at)) = ended {
                    reading.read.remove(&id);
                    reading.last.extend(at.map(|at| (id.clone(), at)));
                    // It may have been started again before its end was heard of.
                    if let Ok(Some(instance)) = self.engine.inspect(&id).await
                        && instance.state == InstanceState::Running
                    {
                        self.read(&mut reading, instance);
                    }
                },
                () = self.sender.closed() => return,
            }
        }
    }

    /// Reads on what an instance prints, where that is wanted.
    fn read(&self, reading: &mut Reading, instance: Instance) {
        let wanted = self.request.wants(self.environment, &instance.key);
        if !wanted || !reading.read.insert(instance.id.clone()) {
            return;
        }
        let known =
            reading.last.get(&instance.id).or_else(|| reading.shown.get(&instance.key.shown())).copied();
        // One that has come since is shown from its first line.
        let older = instance.created_at.is_none_or(|at| at < reading.begun);
        let after = known.or(older.then_some(reading.begun));
        let (engine, sender) = (Arc::clone(&self.engine), self.sender.clone());
        reading.readers.spawn(read_on(engine, instance, after, self.request.clone(), sender));
    }
}

/// What is read of a log that somebody follows.
struct Reading {
    /// Since when it is followed.
    begun: Timestamp,
    /// When the last line of each process was printed that was shown before.
    shown: HashMap<String, Timestamp>,
    readers: JoinSet<(InstanceId, Option<Timestamp>)>,
    /// The instances that are read, and when those that were printed their last line.
    read: HashSet<InstanceId>,
    last: HashMap<InstanceId, Timestamp>,
}

/// Sends the lines of one instance that were printed after a moment, until it ends or nobody takes them. Gives the time of
/// the last one.
async fn read_on(
    engine: Arc<dyn Engine>,
    instance: Instance,
    after: Option<Timestamp>,
    request: LogRequest,
    sender: mpsc::Sender<AppLine>,
) -> (InstanceId, Option<Timestamp>) {
    let mut follower = LogFollower::new(engine, instance.id.clone(), after);
    while let Some(line) = follower.next().await {
        let wanted = request.finds(&line.text);
        if wanted && sender.send(AppLine::of(&instance.key, line)).await.is_err() {
            break;
        }
    }
    (instance.id, follower.last())
}
