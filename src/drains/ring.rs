//! What waits for a drain. Full, the oldest lines go and are counted: neither memory nor the app pays for a receiver that
//! is away.

use super::line::Line;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Most lines and bytes that wait.
const MOST_LINES: usize = 4_096;
const MOST_BYTES: usize = 1024 * 1024;
/// Most lines and bytes that are sent at once.
const LINES_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 256 * 1024;

/// Lines that wait.
#[derive(Debug, Default)]
pub(super) struct Ring {
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
    /// Lines that were dropped and of which the receiver was not told yet; and all.
    untold: u64,
    dropped: u64,
    /// Whether a batch is being sent.
    in_hand: bool,
}

/// Lines that are sent at once.
#[derive(Debug)]
pub(super) struct Batch {
    /// So many were dropped before them.
    pub(super) dropped: u64,
    pub(super) lines: Vec<Arc<Line>>,
}

impl Ring {
    /// Adds a line; never waits.
    pub(super) fn push(&self, line: Arc<Line>) {
        let mut state = self.lock();
        state.bytes += line.size();
        state.lines.push_back(line);
        while state.lines.len() > MOST_LINES || state.bytes > MOST_BYTES {
            let Some(oldest) = state.lines.pop_front() else { break };
            state.bytes -= oldest.size();
            state.untold += 1;
            state.dropped += 1;
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Waits for lines and takes some of them.
    pub(super) async fn take(&self) -> Batch {
        loop {
            if let Some(batch) = self.take_now() {
                return batch;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self) -> Option<Batch> {
        let mut state = self.lock();
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while let Some(line) = state.lines.front() {
            let size = line.size();
            if lines.len() >= LINES_AT_ONCE || (!lines.is_empty() && bytes + size > BYTES_AT_ONCE) {
                break;
            }
            bytes += size;
            lines.extend(state.lines.pop_front());
        }
        state.bytes -= bytes;
        state.in_hand = !lines.is_empty();
        let dropped = if lines.is_empty() { 0 } else { std::mem::take(&mut state.untold) };
        (!lines.is_empty()).then_some(Batch { dropped, lines })
    }

    /// The batch was sent.
    pub(super) fn done(&self) {
        self.lock().in_hand = false;
    }

    /// The batch was refused: its lines will not be sent.
    pub(super) fn refused(&self, batch: &Batch) {
        let mut state = self.lock();
        let count = u64::try_from(batch.lines.len()).unwrap_or(u64::MAX);
        state.untold += batch.dropped + count;
        state.dropped += count;
        state.in_hand = false;
    }

    /// Lines that were dropped since it was made.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Whether nothing waits and nothing is being sent.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.lines.is_empty() && !state.in_hand
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::examples::line;
    use super::*;

    fn texts(batch: &Batch) -> Vec<&str> {
        batch.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[tokio::test]
    async fn lines_come_in_their_order() {
        let ring = Ring::default();
        for text in ["one", "two"] {
            ring.push(Arc::new(line(text)));
        }
        let batch = ring.take().await;
        assert_eq!((texts(&batch), batch.dropped), (vec!["one", "two"], 0));
        assert!(!ring.is_idle());
        ring.done();
        assert!(ring.is_idle());
    }

    #[tokio::test]
    async fn a_full_one_drops_the_oldest_and_says_so() {
        let ring = Ring::default();
        for number in 0..MOST_LINES + 5 {
            ring.push(Arc::new(line(&number.to_string())));
        }
        let batch = ring.take().await;
        assert_eq!((batch.dropped, texts(&batch)[0], ring.dropped()), (5, "5", 5));
        ring.refused(&batch);
        let next = ring.take().await;
        let refused = u64::try_from(batch.lines.len()).unwrap();
        assert_eq!(
            (next.dropped, ring.dropped()),
            (5 + refused, 5 + refused),
            "what was not told is told later"
        );
    }

    #[tokio::test]
    async fn memory_is_bounded_however_long_lines_are() {
        let ring = Ring::default();
        for _ in 0..1_000 {
            ring.push(Arc::new(line(&"x".repeat(16 * 1024))));
        }
        assert!(ring.lock().bytes <= MOST_BYTES);
        assert_eq!(ring.dropped(), 1_000 - u64::try_from(ring.lock().lines.len()).unwrap());
        let batch = ring.take().await;
        assert!(batch.lines.iter().map(|line| line.size()).sum::<usize>() <= BYTES_AT_ONCE);
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let ring = Arc::new(Ring::default());
        let waiting = tokio::spawn({
            let ring = Arc::clone(&ring);
            async move { texts(&ring.take().await).len() }
        });
        ring.push(Arc::new(line("late")));
        assert_eq!(waiting.await.unwrap(), 1);
    }
}
