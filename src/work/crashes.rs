//! Instances that end by themselves, for those who want to be told.
//!
//! The engine starts such an instance again and counts that; one that is stopped is not started again. So what has ended is
//! looked at a moment later: where the count has grown, it was a crash. Three within a few minutes are a crash loop, which is
//! told once, and no single crash of it after that.

use crate::engine::{Engine, EngineError, EngineEvent, EngineEventKind};
use crate::model::instance::{Instance, InstanceId, InstanceKey};
use crate::model::vitals::Vitals;
use crate::model::webhook::InstanceFacts;
use crate::store::{Store, StoreError, patiently};
use futures_util::StreamExt;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often what has ended is looked at, and after how long: the engine counts when it starts it again.
const LOOK: Duration = Duration::from_millis(500);
const SETTLE: Duration = Duration::from_millis(500);
/// Crashes of one place within so long belong together.
const WINDOW: Duration = Duration::from_mins(10);
/// So many of them are a crash loop.
const LOOP: u32 = 3;
/// Exit code of what SIGKILL has ended.
const KILLED: i64 = 137;
/// How long the database may be away before a crash is not told.
const PATIENCE: Duration = Duration::from_mins(5);

/// Looks until it is told to stop.
pub struct Crashes {
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    /// Where it is said among what the app prints.
    pub vitals: Vitals,
}

/// What has ended and was not looked at yet.
struct Ended {
    code: i64,
    at: Instant,
}

/// The crashes of one place that belong together.
#[derive(Debug, Default)]
struct Series {
    count: u32,
    last: Option<Instant>,
}

/// What is told of a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Crash,
    Loop,
    Nothing,
}

#[derive(Default)]
struct Rounds {
    ended: HashMap<InstanceId, Ended>,
    /// How often the engine had started an instance again when it was looked at last.
    restarts: HashMap<InstanceId, u32>,
    series: HashMap<InstanceKey, Series>,
}

impl Crashes {
    /// Runs until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.watch() => {}
            () = stop => {}
        }
    }

    async fn watch(&self) {
        let mut rounds = Rounds::default();
        let mut events = self.engine.events();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What has crashed before is not news.
        while let Err(error) = self.learn(&mut rounds).await {
            tracing::debug!(error = &error as &dyn Error, "crashes wait for the engine");
            look.tick().await;
        }
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(EngineEvent { instance, kind: EngineEventKind::Died { code } }) => {
                        rounds.ended.insert(instance, Ended { code, at: Instant::now() });
                    }
                    Some(EngineEvent { instance, kind: EngineEventKind::Removed }) => {
                        rounds.ended.remove(&instance);
                        rounds.restarts.remove(&instance);
                    }
                    Some(EngineEvent { kind: EngineEventKind::Started, .. }) => {}
                    None => return,
                },
                _ = look.tick() => self.look(&mut rounds).await,
            }
        }
    }

    async fn learn(&self, rounds: &mut Rounds) -> Result<(), EngineError> {
        for Instance { id, .. } in self.engine.list().await? {
            if let Some(life) = self.engine.life(&id).await? {
                rounds.restarts.insert(id, life.restarts);
            }
        }
        Ok(())
    }

    /// Looks at what has ended a moment ago.
    async fn look(&self, rounds: &mut Rounds) {
        let settled: HashSet<InstanceId> = rounds
            .ended
            .iter()
            .filter(|(_, ended)| ended.at.elapsed() >= SETTLE)
            .map(|(id, _)| id.clone())
            .collect();
        for id in settled {
            let Some(Ended { code, .. }) = rounds.ended.remove(&id) else { continue };
            match self.crash(&id, rounds).await {
                Ok(Some(key)) => self.tell(key, code, rounds).await,
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn Error,
                        instance = id.0,
                        "it is not known why it ended"
                    );
                }
            }
        }
        rounds.series.retain(|_, series| series.last.is_some_and(|last| last.elapsed() < WINDOW));
    }

    /// Whose place an instance has that has ended by itself.
    async fn crash(&self, id: &InstanceId, rounds: &mut Rounds) -> Result<Option<InstanceKey>, EngineError> {
        let Some(life) = self.engine.life(id).await? else { return Ok(None) };
        let before = rounds.restarts.insert(id.clone(), life.restarts).unwrap_or(0);
        if life.restarts <= before {
            return Ok(None);
        }
        Ok(self.engine.inspect(id).await?.map(|instance| instance.key))
    }

    async fn tell(&self, key: InstanceKey, code: i64, rounds: &mut Rounds) {
        let series = rounds.series.entry(key.clone()).or_default();
        let told = series.crashed(Instant::now());
        let (instance, crashes) = (key.shown(), series.count);
        tracing::info!(environment = %key.environment_id, instance, code, crashes, "an instance has ended by itself");
        let is_looping = match told {
            Told::Crash => false,
            Told::Loop => true,
            Told::Nothing => return,
        };
        self.vitals.note(key.environment_id, &instance, &said_of(code, is_looping));
        let facts = InstanceFacts { name: instance, exit_code: code, crashes };
        let noted: Result<(), StoreError> =
            patiently(PATIENCE, || self.store.note_crash(&key, facts.clone(), is_looping)).await;
        if let Err(error) = noted {
            tracing::warn!(error = &error as &dyn Error, "a crash is not told");
        }
    }
}

/// What the log of the app says of a crash.
fn said_of(code: i64, is_looping: bool) -> String {
    let how = match code {
        // Nobody here has sent a SIGKILL: what was stopped is not started again.
        KILLED => {
            "It was killed (exit code 137), most likely as it needed more memory than it may have".to_owned()
        }
        code => format!("It ended by itself with exit code {code}"),
    };
    let again = if is_looping { "again and again, after longer and longer pauses" } else { "again" };
    format!("{how}, and is started {again}.")
}

impl Series {
    /// Counts a crash.
    fn crashed(&mut self, at: Instant) -> Told {
        if self.last.is_none_or(|last| at - last >= WINDOW) {
            self.count = 0;
        }
        self.count += 1;
        self.last = Some(at);
        match self.count {
            0..LOOP => Told::Crash,
            LOOP => Told::Loop,
            _ => Told::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_told_once_until_it_was_quiet() {
        let (mut series, begin) = (Series::default(), Instant::now());
        let minutes = |minutes| begin + Duration::from_mins(minutes);
        let told: Vec<Told> = [0, 1, 2, 3, 12].map(|at| series.crashed(minutes(at))).to_vec();
        assert_eq!(told, [Told::Crash, Told::Crash, Told::Loop, Told::Nothing, Told::Nothing]);
        assert_eq!(series.crashed(minutes(22)), Told::Crash, "it was quiet for ten minutes");
    }
}
