//! Waiting for the database and the engine, where giving up would undo what cannot be undone or do it again.

use crate::engine::EngineError;
use crate::store::StoreError;
use std::time::{Duration, Instant};

/// Time between two questions.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks the database until it answers.
///
/// # Errors
/// What it answers, but [`StoreError::Unavailable`].
pub(super) async fn until_stored<T, A>(ask: impl Fn() -> A) -> Result<T, StoreError>
where
    A: Future<Output = Result<T, StoreError>>,
{
    loop {
        match ask().await {
            Err(StoreError::Unavailable(error)) => {
                tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "a deployment waits for the database"
                );
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// How long an engine that does not do what it is asked for is asked again. After it the deployment goes on without: what
/// is left to do then is done by the reconciler, when the engine answers again.
const ENGINE_PATIENCE: Duration = Duration::from_mins(10);

/// Asks the engine until it does what it is asked for, for ten minutes. What can be gone on without is no error of `ask`.
///
/// # Errors
/// What it answers at last.
pub(super) async fn until_done<T, A>(ask: impl Fn() -> A) -> Result<T, EngineError>
where
    A: Future<Output = Result<T, EngineError>>,
{
    done_within(ENGINE_PATIENCE, PAUSE, ask).await
}

async fn done_within<T, A>(patience: Duration, pause: Duration, ask: impl Fn() -> A) -> Result<T, EngineError>
where
    A: Future<Output = Result<T, EngineError>>,
{
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(error) if begun.elapsed() < patience => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a deployment waits for the engine");
                tokio::time::sleep(pause).await;
            }
            answer => return answer,
        }
    }
}

/// Lets an error of the engine pass that is not going to be better in a moment: it is only logged.
///
/// # Errors
/// When the engine does not answer: to be asked again.
pub(super) fn unless_away(done: Result<(), EngineError>, what: &str) -> Result<(), EngineError> {
    match done {
        Err(error @ EngineError::Unavailable { .. }) => Err(error),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "{what}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// How long what holds a thing may take to be gone: a container that somebody else is removing still needs its image and
/// its network.
const RELEASED_IN: Duration = Duration::from_secs(10);

/// Asks the engine again while it says that the thing is in use, for a moment.
///
/// # Errors
/// What the engine answers at last.
pub(super) async fn while_in_use<T, A>(ask: impl Fn() -> A) -> Result<T, EngineError>
where
    A: Future<Output = Result<T, EngineError>>,
{
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(EngineError::InUse { .. }) if begun.elapsed() < RELEASED_IN => {
                tokio::time::sleep(PAUSE / 10).await;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    #[tokio::test]
    async fn what_is_in_use_for_a_moment_is_asked_for_again() {
        let asked = AtomicU8::new(0);
        let in_use = || EngineError::InUse { what: "The image".to_owned() };
        let answer = while_in_use(|| {
            let count = asked.fetch_add(1, Ordering::Relaxed);
            std::future::ready(if count == 0 { Err(in_use()) } else { Ok(count) })
        });
        assert_eq!(answer.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn an_engine_is_asked_again_and_not_for_ever() {
        let asked = AtomicU8::new(0);
        let (patience, pause) = (Duration::from_millis(50), Duration::from_millis(10));
        let away = || EngineError::Unavailable { host: "here".to_owned(), reason: "none".to_owned() };
        let answer = done_within(patience, pause, || {
            asked.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Err::<(), _>(away()))
        });
        assert!(answer.await.is_err());
        assert!((2..=7).contains(&asked.load(Ordering::Relaxed)), "{asked:?}");
    }
}
