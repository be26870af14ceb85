//! The log of a deployment that runs: its newest lines in memory.

use super::Conclusion;
use super::piece::Piece;
use crate::model::log::{LogLine, NewLine, Stream};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Stored lines that stay in memory, at least, for readers that are a little behind.
const STORED_LINES_KEPT: i64 = 1_000;
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
    /// Told of each line: somebody has to show it.
    added: Notify,
    /// Counts up whenever something is shown.
    changed: watch::Sender<u64>,
}

struct State {
    /// What readers see, the oldest first.
    pieces: VecDeque<Arc<Piece>>,
    /// Lines that come after those, and are shown together.
    waiting: Vec<LogLine>,
    /// Number of the newest line that readers see.
    shown: i64,
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
    Lines(Arc<Piece>),
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
        let (pieces, waiting) = (VecDeque::new(), Vec::new());
        let state = State { pieces, waiting, shown: last, last, stored: last, printed: 0, conclusion: None };
        let (state, added, changed) = (Mutex::new(state), Notify::new(), watch::Sender::new(0));
        Self { stored_before, begins_after: last, state, added, changed }
    }

    /// Adds a line, which readers see once it is shown. A line beyond the limit is dropped, and the last one before says
    /// so.
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
        state.waiting.push(LogLine { seq, line });
        drop(state);
        self.added.notify_one();
    }

    /// Until a line was added since the last time. For one who waits; giving up loses nothing.
    pub(super) async fn added(&self) {
        self.added.notified().await;
    }

    /// Shows readers what was added.
    pub(super) fn show(&self) {
        self.lock().show();
        self.notify();
    }

    /// How it came out, once that is known.
    pub(super) fn conclusion(&self) -> Option<Conclusion> {
        self.lock().conclusion.clone()
    }

    /// Shows what was added, and how it came out: nobody is told the end before the lines that lead to it.
    pub(super) fn conclude(&self, conclusion: Conclusion) {
        let mut state = self.lock();
        state.conclusion.get_or_insert(conclusion);
        state.show();
        drop(state);
        self.notify();
    }

    /// The next lines after a number: a piece, or the end of one.
    pub(super) fn after(&self, seq: i64) -> Found {
        let state = self.lock();
        // Between the two there is nothing.
        let seq = if seq >= self.stored_before { seq.max(self.begins_after) } else { seq };
        if seq >= state.shown {
            return state.conclusion.clone().map_or(Found::Nothing, Found::Concluded);
        }
        if state.pieces.front().is_none_or(|piece| piece.first() > seq + 1) {
            return Found::InDatabase;
        }
        let place = state.pieces.partition_point(|piece| piece.last() <= seq);
        let piece = state.pieces.get(place).cloned();
        drop(state);
        piece.and_then(|piece| piece.after(seq)).map_or(Found::InDatabase, Found::Lines)
    }

    /// Lines that are not in the database yet.
    pub(super) fn unstored(&self) -> Vec<LogLine> {
        let state = self.lock();
        let stored = state.stored;
        let place = state.pieces.partition_point(|piece| piece.last() <= stored);
        let shown = state.pieces.range(place..).flat_map(|piece| piece.lines());
        shown.chain(&state.waiting).filter(|line| line.seq > stored).cloned().collect()
    }

    /// Notes that everything up to a number is in the database, and forgets what no reader is likely to want.
    pub(super) fn mark_stored(&self, up_to: i64) {
        let mut state = self.lock();
        state.stored = state.stored.max(up_to);
        let enough_without = state.stored - STORED_LINES_KEPT;
        let surplus = state.pieces.partition_point(|piece| piece.last() <= enough_without);
        state.pieces.drain(..surplus);
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

impl State {
    fn show(&mut self) {
        self.pieces.extend(Piece::all_of(std::mem::take(&mut self.waiting)));
        self.shown = self.last;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::line;
    use super::*;

    fn texts(found: Found) -> Vec<String> {
        match found {
            Found::Lines(piece) => piece.lines().iter().map(|line| line.line.text.clone()).collect(),
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
        assert!(texts(log.after(2)).is_empty(), "not shown yet");
        assert_eq!(log.unstored().len(), 2);
        log.show();
        assert_eq!(texts(log.after(2)), ["three", "four"]);
        assert_eq!(texts(log.after(3)), ["four"]);
        assert_eq!(texts(log.after(0)), ["(database)"]);
        assert!(texts(log.after(4)).is_empty());
        log.push(line("five"));
        log.conclude(Conclusion::Live);
        assert_eq!(texts(log.after(3)), ["four"]);
        assert_eq!(texts(log.after(4)), ["five"], "before the end");
        assert_eq!(texts(log.after(5)), ["(end)"]);
        log.push(line("six"));
        assert_eq!(texts(log.after(5)), ["(end)"]);
        log.show();
        assert_eq!(texts(log.after(5)), ["six"]);
    }

    #[test]
    fn readers_at_the_same_place_share_what_they_see() {
        let log = LiveLog::new(0);
        for text in ["one", "two"] {
            log.push(line(text));
        }
        log.show();
        let piece = || match log.after(0) {
            Found::Lines(piece) => piece,
            Found::InDatabase | Found::Nothing | Found::Concluded(_) => panic!("there are lines"),
        };
        assert!(Arc::ptr_eq(&piece(), &piece()));
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
            log.show();
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
            if number % 100 == 0 {
                log.show();
            }
        }
        assert_eq!(log.unstored().len(), 3_000);
        log.mark_stored(2_950);
        assert_eq!(log.unstored().len(), 50, "of which some are shown");
        log.show();
        log.mark_stored(3_000);
        assert!(log.unstored().is_empty());
        let kept: usize = log.lock().pieces.iter().map(|piece| piece.lines().len()).sum();
        assert!((1_000..1_200).contains(&kept), "{kept}");
        assert_eq!(texts(log.after(2_999)), ["2999"]);
        assert!(matches!(log.after(1_000), Found::InDatabase));
    }

    #[test]
    fn a_log_has_an_end() {
        let log = LiveLog::new(0);
        log.lock().printed = MAX_PRINTED_LINES - 1;
        log.push(line("last"));
        log.push(line("dropped"));
        log.push(NewLine { stream: Stream::Notice, ..line("our own") });
        log.show();
        let texts = texts(log.after(0));
        assert!(texts[0].contains("not kept"), "{texts:?}");
        assert_eq!(texts[1..], ["our own"]);
    }
}
