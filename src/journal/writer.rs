//! Writing the log of a deployment.

use super::live::LiveLog;
use super::mask::Mask;
use super::{Conclusion, Journal};
use crate::model::deployment::Step;
use crate::model::id::DeploymentId;
use crate::model::log::{Level, NewLine, Stream};
use crate::model::secret::Secret;
use crate::model::time::now;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long lines wait for others before readers are shown them together, but for the first after a silence. Two hundred
/// readers of a build that prints as fast as it can are woken so often, and not for each line; whoever reads sees each
/// within 100 ms.
const PACE: Duration = Duration::from_millis(75);
/// How long lines wait for others before they are stored together.
const BATCH: Duration = Duration::from_millis(100);
/// How often a closed log is still tried to be stored, a second apart, when the database does not answer.
const LAST_TRIES: u32 = 30;
/// Longest line that is kept, in bytes. At most half of what a line may have when it comes here: see [`Mask::apply`].
const MAX_LINE_BYTES: usize = 8 * 1024;

/// Writes the log of one deployment. Clones write to the same log.
#[derive(Clone)]
pub struct Writer {
    log: Arc<LiveLog>,
    mask: Arc<Mutex<Mask>>,
    closing: watch::Sender<bool>,
    storing: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    pub(super) fn start(journal: Journal, deployment: DeploymentId, log: Arc<LiveLog>) -> Self {
        let closing = watch::Sender::new(false);
        tokio::spawn(keep_showing(log.clone(), closing.subscribe()));
        let storing = tokio::spawn(keep_storing(journal, deployment, log.clone(), closing.subscribe()));
        Self { log, mask: Arc::default(), closing, storing: Arc::new(Mutex::new(Some(storing))) }
    }

    /// Masks these values in every line from now on.
    pub fn mask<'a>(&self, values: impl IntoIterator<Item = &'a Secret<String>>) {
        *self.mask.lock().unwrap_or_else(PoisonError::into_inner) = Mask::new(values);
    }

    /// Masks these values as well.
    pub fn also_mask<'a>(&self, values: impl IntoIterator<Item = &'a Secret<String>>) {
        self.mask.lock().unwrap_or_else(PoisonError::into_inner).add(values);
    }

    /// Adds a line, or several where the text has line ends. Never waits.
    pub fn line(&self, step: Step, stream: Stream, level: Level, text: &str) {
        let mask = self.mask.lock().unwrap_or_else(PoisonError::into_inner);
        for part in text.lines() {
            let text = mask.apply(part, MAX_LINE_BYTES);
            self.log.push(NewLine { at: now(), level, step, stream, text });
        }
    }

    /// Tells those who watch how it came out. Lines can still follow; watchers do not wait for them.
    pub fn conclude(&self, conclusion: Conclusion) {
        self.log.conclude(conclusion);
    }

    /// Stores what is not stored yet and ends the log.
    pub async fn close(self) {
        self.closing.send_replace(true);
        let storing = self.storing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(storing) = storing
            && let Err(error) = storing.await
        {
            tracing::error!(%error, "the task that stores a log has ended early");
        }
    }
}

/// Shows readers what is added, until the log is closed.
async fn keep_showing(log: Arc<LiveLog>, mut closing: watch::Receiver<bool>) {
    // An error means that every writer is gone: the same as being closed.
    let mut closed = pin!(async { drop(closing.wait_for(|closed| *closed).await) });
    loop {
        tokio::select! {
            () = log.added() => log.show(),
            () = &mut closed => return,
        }
        tokio::select! {
            () = tokio::time::sleep(PACE) => {}
            () = &mut closed => return,
        }
    }
}

async fn keep_storing(
    journal: Journal,
    deployment: DeploymentId,
    log: Arc<LiveLog>,
    mut closing: watch::Receiver<bool>,
) {
    let mut changed = log.subscribe();
    let mut last_tries = LAST_TRIES;
    loop {
        // An error means that every writer is gone: the same as being closed.
        if last_tries == LAST_TRIES {
            tokio::select! {
                _ = changed.changed() => {}
                _ = closing.changed() => {}
            }
        }
        let closed = tokio::time::timeout(BATCH, closing.wait_for(|closed| *closed)).await.is_ok();
        let lines = log.unstored();
        if let Some(last) = lines.last() {
            match journal.store.append_log(deployment, &lines).await {
                Ok(()) => log.mark_stored(last.seq),
                Err(error) => {
                    tracing::error!(%deployment, error = &error as &dyn std::error::Error, "cannot store a log");
                    tokio::time::sleep(BATCH * 10).await;
                    if closed && last_tries > 0 {
                        last_tries -= 1;
                        continue;
                    }
                }
            }
        }
        if closed {
            log.show();
            return journal.end(deployment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Next;
    use super::*;
    use crate::store::Store;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_comes_together_is_shown_together() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("gilgal.db").display());
        let store = Store::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let (journal, deployment) = (Journal::new(store), DeploymentId::generate());
        let writer = journal.write(deployment, false).await.unwrap();
        let mut reader = journal.read(deployment, 0);
        let printing = {
            let writer = writer.clone();
            tokio::spawn(async move {
                for number in 1..=200 {
                    writer.line(Step::Build, Stream::Build, Level::Info, &format!("line {number}"));
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                writer.conclude(Conclusion::Live);
            })
        };
        let mut pieces = Vec::new();
        loop {
            match tokio::time::timeout(Duration::from_secs(20), reader.next()).await.unwrap().unwrap() {
                Next::Lines(piece) => pieces.push(piece),
                Next::End(conclusion) => break assert_eq!(conclusion, Conclusion::Live),
            }
        }
        let numbers: Vec<i64> = pieces.iter().flat_map(|piece| piece.lines()).map(|line| line.seq).collect();
        assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
        assert!(pieces.len() < 100, "it was woken {} times", pieces.len());
        printing.await.unwrap();
    }
}
