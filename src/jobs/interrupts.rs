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

    /// Waits until it is time to look: at a signal that was sent after this was called, or after two seconds.
    pub async fn time_to_look(&self) {
        let mut signal = self.0.subscribe();
        // Either end of the wait is a reason to look.
        tokio::time::timeout(LOOK_AGAIN, signal.changed()).await.ok();
    }
}
