//! The log of a deployment that runs: its newest lines in memory.

use super::Conclusion;
use crate::model::log::{LogLine, NewLine, Stream};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Stored lines that stay in memory, for readers that are a little behind.
const STORED_LINES_KEPT: usize = 1_000;
/// Most lines that the build and the app may add to one log: a build that prints for ever fills neither memory nor
/// disk. Our own lines are few, and always kept.
const MAX_PRINTED_LINES: u32 = 100_000;

/// What the numbers of an interrupted log go on with is a multiple of this. Its last lines may have been seen without
/// having been stored: a reader that comes back with the number of one must not miss a new line of the same number. One
/// writer writes far fewer lines.
const NUMBERS_OF_A_WRITER: i64 = 1_000_000;

pub(super) struct LiveLog {
    /// Number of the last line that was stored before this log began.
    stored_before: i64,
    /// The first line has the number after this one.
    begins_after: i64,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

struct State {
    lines: VecDeque<LogLine>,
    /// Number of the newest line.
    last: i64,
    /// Number of the newest line that is in the database.
    stored: i64,
    /// Lines of the build and the app so far.
    printed: u32,
    conclusion: Option<Conclusion>,
}

/// What a reader finds.
pub(super) enum Found {
    Lines(Vec<LogLine>),
    /// The lines that it wants next are in the database only.
    InDatabase,
    /// Nothing new; the deployment goes on.
    Nothing,
    /// Nothing new, and nothing to come that matters to a watcher.
    Concluded(Conclusion),
}

impl LiveLog {
    /// A log whose lines up to `stored` are in the database, and that has no others.
    pub(super) fn new(stored: i64) -> Self {
        Self::between(stored, stored)
    }

    /// A log whose lines up to `stored` are in the database, and that may have had others.
    pub(super) fn resumed(stored: i64) -> Self {
        Self::between(stored, (stored / NUMBERS_OF_A_WRITER + 1) * NUMBERS_OF_A_WRITER)
    }

    fn between(stored_before: i64, last: i64) -> Self {
        let state = State { lines: VecDeque::new(), last, stored: last, printed: 0, conclusion: None };
        Self { begins_after: last, stored_before, state: Mutex::new(state), changed: watch::Sender::new(0) }
    }

    /// Adds a line. A line beyond the limit is dropped, and the last one before says so.
    pub(super) fn push(&self, mut line: NewLine) {
        let mut state = self.lock();
        if matches!(line.stream, Stream::Build | Stream::App) {
            if state.printed >= MAX_PRINTED_LINES {
                return;
            }
            state.printed += 1;
            if state.printed == MAX_PRINTED_LINES {
                line.text = format!("... {MAX_PRINTED_LINES} lines were printed; what follows is not kept");
            }
        }
        state.last += 1;
        let seq = state.last;
        state.lines.push_back(LogLine { seq, line });
        drop(state);
        self.notify();
    }

    pub(super) fn conclude(&self, conclusion: Conclusion) {
        self.lock().conclusion.get_or_insert(conclusion);
        self.notify();
    }

    /// The next lines after a number, at most 500.
    pub(super) fn after(&self, seq: i64) -> Found {
        let state = self.lock();
        // Between the two there is nothing.
        let seq = if seq >= self.stored_before { seq.max(self.begins_after) } else { seq };
        if seq >= state.last {
            return state.conclusion.clone().map_or(Found::Nothing, Found::Concluded);
        }
        let first = state.last - i64::try_from(state.lines.len()).unwrap_or(i64::MAX) + 1;
        let Ok(skipped) = usize::try_from(seq + 1 - first) else { return Found::InDatabase };
        Found::Lines(state.lines.iter().skip(skipped).take(500).cloned().collect())
    }

    /// Lines that are not in the database yet.
    pub(super) fn unstored(&self) -> Vec<LogLine> {
        let state = self.lock();
        let count = usize::try_from(state.last - state.stored).unwrap_or(0);
        state.lines.iter().skip(state.lines.len().saturating_sub(count)).cloned().collect()
    }

    /// Notes that everything up to a number is in the database, and forgets what no reader is likely to want.
    pub(super) fn mark_stored(&self, up_to: i64) {
        let mut state = self.lock();
        state.stored = state.stored.max(up_to);
        let stored = state.stored;
        let stored_in_memory = state.lines.iter().take_while(|line| line.seq <= stored).count();
        let surplus = stored_in_memory.saturating_sub(STORED_LINES_KEPT);
        state.lines.drain(..surplus);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn notify(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::deployment::Step;
    use crate::model::log::Level;

    fn line(text: &str) -> NewLine {
        NewLine {
            at: crate::model::time::now(),
            level: Level::Info,
            step: Step::Build,
            stream: Stream::Build,
            text: text.to_owned(),
        }
    }

    fn texts(found: Found) -> Vec<String> {
        match found {
            Found::Lines(lines) => lines.into_iter().map(|line| line.line.text).collect(),
            Found::InDatabase => vec!["(database)".to_owned()],
            Found::Nothing => vec![],
            Found::Concluded(_) => vec!["(end)".to_owned()],
        }
    }

    #[test]
    fn readers_get_what_they_have_not_seen() {
        let log = LiveLog::new(2);
        log.push(line("three"));
        log.push(line("four"));
        assert_eq!(texts(log.after(2)), ["three", "four"]);
        assert_eq!(texts(log.after(3)), ["four"]);
        assert_eq!(texts(log.after(0)), ["(database)"]);
        assert!(texts(log.after(4)).is_empty());
        log.conclude(Conclusion::Live);
        assert_eq!(texts(log.after(3)), ["four"]);
        assert_eq!(texts(log.after(4)), ["(end)"]);
    }

    #[test]
    fn a_number_that_may_have_been_seen_is_not_given_again() {
        // Killed before or after anything was stored, once or twice.
        for (stored, next) in [(0, 1_000_001), (7, 1_000_001), (1_000_003, 2_000_001)] {
            let log = LiveLog::resumed(stored);
            // Of a reader that has seen what is stored, and one that has seen more.
            for seen in [stored, stored + 5] {
                assert!(matches!(log.after(seen), Found::Nothing));
            }
            log.push(line("new"));
            for seen in [stored, stored + 5] {
                assert_eq!(texts(log.after(seen)), ["new"]);
            }
            assert_eq!(log.unstored()[0].seq, next);
            assert!(stored == 0 || matches!(log.after(stored - 1), Found::InDatabase));
        }
    }

    #[test]
    fn memory_is_bounded_by_what_is_stored() {
        let log = LiveLog::new(0);
        for number in 0..3_000 {
            log.push(line(&number.to_string()));
        }
        assert_eq!(log.unstored().len(), 3_000);
        log.mark_stored(3_000);
        assert!(log.unstored().is_empty());
        assert_eq!(log.lock().lines.len(), STORED_LINES_KEPT);
        assert_eq!(texts(log.after(2_999)), ["2999"]);
    }

    #[test]
    fn a_log_has_an_end() {
        let log = LiveLog::new(0);
        log.lock().printed = MAX_PRINTED_LINES - 1;
        log.push(line("last"));
        log.push(line("dropped"));
        log.push(NewLine { stream: Stream::Notice, ..line("our own") });
        let texts = texts(log.after(0));
        assert!(texts[0].contains("not kept"), "{texts:?}");
        assert_eq!(texts[1..], ["our own"]);
    }
}
