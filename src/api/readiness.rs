//! What is asked of the server's needs, once for all who want to know.

use crate::api::ports::{Check, Readiness};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer holds.
const FRESH: Duration = Duration::from_secs(1);

/// What was found a moment ago. Anybody may ask as often as they like: the database and the engine hear one question at a
/// time, and one a second.
#[derive(Default)]
pub(super) struct Recent(Mutex<Option<(Instant, Vec<Check>)>>);

impl Recent {
    pub(super) async fn check(&self, readiness: &dyn Readiness) -> Vec<Check> {
        let mut recent = self.0.lock().await;
        if let Some((_, checks)) = recent.as_ref().filter(|(found, _)| found.elapsed() < FRESH) {
            return checks.clone();
        }
        let checks = readiness.check().await;
        *recent = Some((Instant::now(), checks.clone()));
        checks
    }
}
