//! Tells running jobs to look at the database again: somebody wants one of them to stop.

use std::time::Duration;
use tokio::sync::watch;

/// How long a lost signal can delay the look.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A signal to every running job. What exactly is wanted stands in the database.
#[derive(Debug, Clone)]
pub struct Interrupts(watch::Sender<u64>);

impl Default for Interrupts {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Interrupts {
    /// Makes every running job look.
    pub fn signal(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Follows the signal from now on: none that comes between two looks is lost.
    #[must_use]
    pub fn subscribe(&self) -> Looks {
        Looks(self.0.subscribe())
    }
}

/// When a running job is to look.
#[derive(Debug)]
pub struct Looks(watch::Receiver<u64>);

impl Looks {
    /// Waits until it is time to look again: at the next signal, or after two seconds.
    pub async fn time_to_look(&mut self) {
        // Either end of the wait is a reason to look.
        tokio::time::timeout(LOOK_AGAIN, self.0.changed()).await.ok();
    }
}
