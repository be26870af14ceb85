//! A database that does not answer, and how long.

use crate::store::StoreError;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Silence that is not worth a word: every question is one for a moment.
const A_MOMENT: Duration = Duration::from_secs(1);

/// How long the database has not answered.
///
/// It is measured from the first question without an answer, so that it grows for those too who give up each question
/// before it fails.
#[derive(Debug)]
pub(super) struct Silence {
    since: Option<Instant>,
    at_most: Duration,
}

impl Silence {
    /// A silence that is borne for a time.
    pub(super) const fn new(at_most: Duration) -> Self {
        Self { since: None, at_most }
    }

    /// Asks the database; `None` where it does not answer at this moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it has not answered for longer than is borne; every other error at once.
    pub(super) async fn ask<T>(
        &mut self,
        question: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<Option<T>, StoreError> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let deadline = since + self.at_most;
        match timeout_at(deadline, question).await {
            Ok(Err(StoreError::Unavailable(error))) if Instant::now() < deadline => {
                tracing::debug!(error = &*error as &dyn std::error::Error, "a reader waits for the database");
                Ok(None)
            }
            Ok(Err(StoreError::Unavailable(error))) => Err(StoreError::Unavailable(error)),
            Ok(answer) => {
                self.end();
                answer.map(Some)
            }
            Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed))),
        }
    }

    /// Notes that nothing is asked of the database any more.
    pub(super) const fn end(&mut self) {
        self.since = None;
    }

    /// Whether it lasts.
    pub(super) fn lasts(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= A_MOMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> std::future::Ready<Result<u8, StoreError>> {
        std::future::ready(Err(StoreError::Unavailable("away".into())))
    }

    #[tokio::test]
    async fn a_database_that_stays_away_is_reported() {
        let at_most = Duration::from_millis(50);
        let mut silence = Silence::new(at_most);
        let begun = Instant::now();
        let error = loop {
            match silence.ask(away()).await {
                Ok(found) => assert_eq!(found, None),
                Err(error) => break error,
            }
            tokio::task::yield_now().await;
            assert!(begun.elapsed() < Duration::from_secs(10), "it is never reported");
        };
        assert!(matches!(error, StoreError::Unavailable(_)) && begun.elapsed() >= at_most, "{error}");
    }

    #[tokio::test]
    async fn a_question_that_is_never_answered_ends() {
        let mut silence = Silence::new(Duration::from_millis(50));
        let asked = silence.ask(std::future::pending::<Result<u8, StoreError>>()).await;
        assert!(matches!(asked, Err(StoreError::Unavailable(_))), "{asked:?}");
    }

    #[tokio::test]
    async fn one_that_is_given_up_counts_and_an_answer_begins_anew() {
        let mut silence = Silence::new(Duration::from_mins(1));
        let given_up = silence.ask(std::future::pending::<Result<u8, StoreError>>());
        assert!(tokio::time::timeout(Duration::from_millis(1), given_up).await.is_err());
        assert!(silence.since.is_some() && !silence.lasts());
        silence.since = Instant::now().checked_sub(A_MOMENT);
        assert!(silence.lasts());
        assert_eq!(silence.ask(async { Ok(1) }).await.unwrap(), Some(1));
        assert!(silence.since.is_none());
        // Another error is an answer, too.
        let unknown = silence.ask(async { Err::<u8, _>(StoreError::NotFound) }).await;
        assert!(matches!(unknown, Err(StoreError::NotFound)) && silence.since.is_none());
    }
}
