//! Waiting for a database that is away for a moment: a restart, a failover, a full connection table.

use crate::store::StoreError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Asks again while the database is away, for as long as `patience`; any other answer is given as it is.
///
/// For questions, and for changes that can be made twice: one whose answer was lost may have been made.
///
/// # Errors
/// What `ask` gives; [`StoreError::Unavailable`] when the patience is over.
pub async fn patiently<T, Answer>(
    patience: Duration,
    mut ask: impl FnMut() -> Answer,
) -> Result<T, StoreError>
where
    Answer: Future<Output = Result<T, StoreError>>,
{
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        match ask().await {
            Err(StoreError::Unavailable(error)) if Instant::now() + pause < deadline => {
                tracing::warn!(error = &*error as &dyn std::error::Error, "the database is asked again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn away() -> StoreError {
        StoreError::Unavailable("away".into())
    }

    #[tokio::test]
    async fn a_moment_away_is_waited_for() {
        let asked = Cell::new(0);
        let answer = patiently(Duration::from_secs(10), || {
            asked.set(asked.get() + 1);
            let answer = if asked.get() < 5 { Err(away()) } else { Ok("here") };
            std::future::ready(answer)
        });
        assert_eq!(answer.await.unwrap(), "here");
    }

    #[tokio::test]
    async fn patience_ends_and_other_errors_are_not_asked_again() {
        let asked = Cell::new(0);
        let answer = patiently(Duration::from_millis(200), || {
            asked.set(asked.get() + 1);
            std::future::ready(Err::<(), _>(away()))
        });
        assert!(matches!(answer.await, Err(StoreError::Unavailable(_))));
        // After 0, 50 and 150 milliseconds.
        assert!((2..=3).contains(&asked.get()), "{asked:?}");

        let asked = Cell::new(0);
        let answer = patiently(Duration::from_secs(10), || {
            asked.set(asked.get() + 1);
            std::future::ready(Err::<(), _>(StoreError::NotFound))
        });
        assert!(matches!(answer.await, Err(StoreError::NotFound)));
        assert_eq!(asked.get(), 1);
    }
}
