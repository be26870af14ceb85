//! How a deployment that is followed looks: on a terminal its steps, drawn over as they go on; in a pipe its log.

use super::deployment::seconds;
use super::follow::Watcher;
use super::table::{cut, padded};
use crate::cli::printer::{self, Screen};
use crate::model::deployment::{Status, Step};
use crate::model::log::Stream;
use crate::model::report::{self, Colour};
use crate::model::terminal_text::one_line;
use crate::model::time::Timestamp;
use crate::wire::log::LogLineBody;
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

/// Columns of a step's name and of its time.
const NAME: usize = 7;
const TIME: usize = 8;
/// Lines of the build or the app that are shown when it fails.
const LAST_LINES: usize = 30;
/// What turns while a step runs.
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Prints every line, as the pusher sees it.
#[derive(Debug)]
pub(super) struct Lines {
    colour: Colour,
}

impl Lines {
    pub(super) const fn new(screen: Screen) -> Self {
        Self { colour: if screen.colour { Colour::Shown } else { Colour::Plain } }
    }
}

impl Watcher for Lines {
    fn line(&mut self, line: &LogLineBody) -> io::Result<()> {
        printer::write(&(rendered(line, self.colour) + "\n"))
    }

    fn tick(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints every line as JSON, one in a line, for programs.
#[derive(Debug)]
pub(super) struct JsonLines;

impl Watcher for JsonLines {
    fn line(&mut self, line: &LogLineBody) -> io::Result<()> {
        printer::write(&(serde_json::to_string(line)? + "\n"))
    }

    fn tick(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of a log, as the pusher sees it.
pub(super) fn rendered(line: &LogLineBody, colour: Colour) -> String {
    report::render(line.stream, &line.text, colour)
}

/// Shows nothing: the answer is for a program.
#[derive(Debug)]
pub(super) struct Silent;

impl Watcher for Silent {
    fn line(&mut self, _line: &LogLineBody) -> io::Result<()> {
        Ok(())
    }

    fn tick(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Draws the steps over and over.
#[derive(Debug)]
pub(super) struct Display {
    screen: Screen,
    progress: Progress,
    /// Lines that are on the screen and are drawn over.
    drawn: usize,
    frame: usize,
}

impl Display {
    pub(super) fn new(screen: Screen) -> Self {
        Self { screen, progress: Progress::default(), drawn: 0, frame: 0 }
    }

    /// Draws the steps for the last time, with what is to be read below them.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn finish(&mut self, status: Status) -> io::Result<()> {
        self.progress.end(status);
        let steps = self.progress.steps(self.screen, 0);
        self.draw(&steps)?;
        self.drawn = 0;
        let colour = if self.screen.colour { Colour::Shown } else { Colour::Plain };
        let last: Vec<String> =
            self.progress.last_words(status).map(|line| rendered(line, colour) + "\n").collect();
        printer::write(&last.concat())
    }

    fn draw(&mut self, steps: &str) -> io::Result<()> {
        // Up to the first line that was drawn, and away with everything from there (ECMA-48 §8.3.22, §8.3.39).
        let back = if self.drawn > 0 { format!("\u{1b}[{}A\u{1b}[J", self.drawn) } else { String::new() };
        self.drawn = steps.lines().count();
        printer::write(&(back + steps))
    }
}

impl Watcher for Display {
    fn line(&mut self, line: &LogLineBody) -> io::Result<()> {
        // Drawn at the next tick: a build may print thousands of lines a second.
        self.progress.take(line);
        Ok(())
    }

    fn tick(&mut self) -> io::Result<()> {
        self.frame += 1;
        let steps = self.progress.steps(self.screen, self.frame);
        self.draw(&steps)
    }
}

/// The steps of a deployment, as far as its log tells of them.
#[derive(Debug, Default)]
struct Progress {
    steps: Vec<Running>,
    /// When the newest line was written by the server's clock, and when it arrived by ours: the two may differ.
    newest: Option<(Timestamp, Instant)>,
    /// Outcomes and notices.
    ours: Vec<LogLineBody>,
    /// The newest lines of the build or the app.
    theirs: VecDeque<LogLineBody>,
}

#[derive(Debug)]
struct Running {
    step: Step,
    began: Timestamp,
    /// How long it took and how it ended, once it has.
    ended: Option<(Duration, Mark)>,
    /// What is said of it: the newest line while it runs, ours when it is over.
    said: String,
    result: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    Bad,
}

impl Progress {
    fn take(&mut self, line: &LogLineBody) {
        self.newest = Some((line.time, Instant::now()));
        if self.steps.last().is_none_or(|running| running.step != line.step) {
            self.end_step(line.time, if line.step == Step::Undo { Mark::Bad } else { Mark::Good });
            if line.step != Step::Done {
                let (said, result) = (String::new(), String::new());
                self.steps.push(Running { step: line.step, began: line.time, ended: None, said, result });
            }
        }
        match line.stream {
            // What follows an outcome belongs to it: where the app is.
            Stream::Detail if self.has_outcome() => self.ours.push(line.clone()),
            Stream::Step | Stream::Detail => {}
            Stream::Outcome | Stream::Notice => self.ours.push(line.clone()),
            Stream::Build | Stream::App => {
                self.theirs.push_back(line.clone());
                if self.theirs.len() > LAST_LINES {
                    self.theirs.pop_front();
                }
            }
        }
        let is_over = self.has_outcome();
        if let Some(running) = self.steps.last_mut() {
            running.said = one_line(line.text.trim());
            match line.stream {
                Stream::Step | Stream::Detail | Stream::Notice if !is_over => {
                    running.result.clone_from(&running.said);
                }
                Stream::Step
                | Stream::Detail
                | Stream::Outcome
                | Stream::Notice
                | Stream::Build
                | Stream::App => {}
            }
        }
    }

    fn has_outcome(&self) -> bool {
        self.ours.iter().any(|line| line.stream == Stream::Outcome)
    }

    fn end(&mut self, status: Status) {
        let mark = match status {
            Status::Success => Mark::Good,
            Status::Queued
            | Status::Building
            | Status::Deploying
            | Status::Failed
            | Status::Cancelled
            | Status::Superseded => Mark::Bad,
        };
        if let Some((at, _)) = self.newest {
            self.end_step(at, mark);
        }
    }

    fn end_step(&mut self, at: Timestamp, mark: Mark) {
        if let Some(running) = self.steps.last_mut().filter(|running| running.ended.is_none()) {
            running.ended = Some(((at - running.began).to_std().unwrap_or_default(), mark));
        }
    }

    /// A line a step: its mark, its name, its time, and what is said of it.
    fn steps(&self, screen: Screen, frame: usize) -> String {
        // The last column stays free: some terminals go to the next line as soon as it is written.
        let width = screen.width.map_or(usize::MAX, |width| width.saturating_sub(1));
        self.steps.iter().map(|running| self.shown(running, screen.colour, frame, width) + "\n").collect()
    }

    fn shown(&self, running: &Running, colour: bool, frame: usize, width: usize) -> String {
        let (mark, style, time, said) = match running.ended {
            Some((time, Mark::Good)) => ('✓', "32", time, &running.result),
            Some((time, Mark::Bad)) => ('✗', "31", time, &running.result),
            None => (FRAMES[frame % FRAMES.len()], "36", self.elapsed(running), &running.said),
        };
        let time = seconds(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let text = format!(" {} {time:>TIME$}  {said}", padded(running.step.as_str(), NAME));
        let text = cut(&text, width.saturating_sub(1));
        if colour { format!("\u{1b}[{style}m{mark}\u{1b}[0m{text}") } else { format!("{mark}{text}") }
    }

    fn elapsed(&self, running: &Running) -> Duration {
        self.newest.map_or(Duration::ZERO, |(time, arrived)| {
            (time - running.began).to_std().unwrap_or_default() + arrived.elapsed()
        })
    }

    /// What is to be read when it is over, in the order in which it was said: where to find the app, or what went wrong.
    fn last_words(&self, status: Status) -> impl Iterator<Item = &LogLineBody> {
        let failed = status == Status::Failed;
        let mut words: Vec<_> = self.theirs.iter().filter(|_| failed).chain(&self.ours).collect();
        words.sort_by_key(|line| line.seq);
        words.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log::Level;
    use chrono::{DateTime, TimeDelta};

    const SCREEN: Screen = Screen { width: Some(60), live: true, colour: false, error_colour: false };

    fn line(milliseconds: i64, step: Step, stream: Stream, text: &str) -> LogLineBody {
        let begin = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let time = begin + TimeDelta::milliseconds(milliseconds);
        LogLineBody { seq: milliseconds, time, level: Level::Info, step, stream, text: text.to_owned() }
    }

    fn progress(lines: &[(i64, Step, Stream, &str)]) -> Progress {
        let mut progress = Progress::default();
        for (milliseconds, step, stream, text) in lines {
            progress.take(&line(*milliseconds, *step, *stream, text));
        }
        progress
    }

    const BUILDING: [(i64, Step, Stream, &str); 5] = [
        (0, Step::Queue, Stream::Step, "Deploying shop to production (main 1a2b3c4 by ada)"),
        (100, Step::Detect, Stream::Step, "Node.js app detected"),
        (150, Step::Build, Stream::Step, "Building image"),
        (
            900,
            Step::Build,
            Stream::Build,
            "npm warn \u{1b}[33mdeprecated\u{1b}[0m \u{1b}[2J some package of long ago",
        ),
        (
            2_400,
            Step::Build,
            Stream::Build,
            "\u{1b}[1Aadded 312 packages in 2 s, which is more text than fits here",
        ),
    ];

    #[test]
    fn the_running_step_shows_its_newest_line_in_one_row() {
        insta::assert_snapshot!(progress(&BUILDING).steps(SCREEN, 3));
    }

    #[test]
    fn a_deployment_that_went_live_ends_with_its_address() {
        let mut progress = progress(&BUILDING);
        progress.take(&line(3_000, Step::Build, Stream::Detail, "Done in 2.9 s, 142 MB"));
        progress.take(&line(3_100, Step::Check, Stream::Detail, "web.1 healthy after 0.4 s (GET / -> 200)"));
        progress.take(&line(3_600, Step::Switch, Stream::Step, "Released v7"));
        progress.take(&line(3_700, Step::Switch, Stream::Outcome, "Application deployed:"));
        progress.take(&line(3_700, Step::Switch, Stream::Detail, "http://shop.localhost"));
        progress.end(Status::Success);
        let last: Vec<_> =
            progress.last_words(Status::Success).map(|line| rendered(line, Colour::Plain)).collect();
        insta::assert_snapshot!(progress.steps(SCREEN, 0) + &last.join("\n"));
    }

    #[test]
    fn a_failure_ends_with_what_the_build_said_last() {
        let mut progress = progress(&BUILDING);
        for number in 0..40 {
            progress.take(&line(3_000 + number, Step::Build, Stream::Build, &format!("line {number}")));
        }
        progress.take(&line(4_000, Step::Undo, Stream::Notice, "npm ci failed with exit code 1."));
        progress.end(Status::Failed);
        let last: Vec<_> =
            progress.last_words(Status::Failed).map(|line| rendered(line, Colour::Plain)).collect();
        assert_eq!((last.len(), last[0].trim()), (LAST_LINES + 1, "line 10"));
        insta::assert_snapshot!(progress.steps(SCREEN, 0));
    }

    #[test]
    fn a_row_is_never_wider_than_the_terminal() {
        use unicode_width::UnicodeWidthStr;
        for width in [1, 10, 20, 40, 200] {
            let shown = progress(&BUILDING).steps(Screen { width: Some(width), ..SCREEN }, 0);
            assert!(shown.lines().all(|line| line.width() <= width.max(2)), "{width}: {shown}");
            assert_eq!(shown.lines().count(), 3);
        }
    }
}
