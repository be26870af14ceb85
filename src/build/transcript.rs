//! From BuildKit's report of vertices to the lines that a person wants to read.
//!
//! BuildKit tells about a graph: vertices that start, print, end or come from the cache, several at a time. What is shown
//! is each instruction of the Dockerfile when it begins, and what it prints. BuildKit's own work (loading the Dockerfile,
//! copying the context, exporting the image) is not shown.

use super::{BuildLine, BuildStream};
use crate::buildpack::SOURCED;
use crate::docker::Lines;
use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How many lines of a failing instruction are kept for its error.
const LAST_LINES: usize = 30;

/// The standard error in BuildKit's numbering of streams, which is Unix's.
const STDERR: i64 = 2;

/// What is known of a running build.
#[derive(Default)]
pub(super) struct Transcript {
    /// By the digest that BuildKit names a vertex with.
    steps: HashMap<String, Step>,
    /// The step whose lines were shown last.
    current: Option<String>,
    /// What people call base images, by what the Dockerfile calls them.
    base_names: BTreeMap<String, String>,
}

/// One vertex.
#[derive(Default)]
pub(super) struct Step {
    /// BuildKit's name of it, tidied: `[2/3] RUN npm ci`.
    pub(super) name: String,
    /// Why it failed; empty while it has not.
    pub(super) error: String,
    /// What it printed last, oldest first.
    pub(super) last_lines: VecDeque<String>,
    announced: bool,
    stdout: Lines,
    stderr: Lines,
}

impl Transcript {
    /// One that calls base images by the names that people know.
    pub(super) fn naming(base_names: BTreeMap<String, String>) -> Self {
        Self { base_names, ..Self::default() }
    }

    /// Takes a report and gives the lines that it is worth.
    pub(super) fn take(&mut self, status: StatusResponse) -> Vec<BuildLine> {
        let mut lines = Vec::new();
        for vertex in status.vertexes {
            self.take_vertex(vertex, &mut lines);
        }
        for log in status.logs {
            self.take_log(&log, &mut lines);
        }
        lines
    }

    /// The lines that have begun and not ended, for when the build is over.
    pub(super) fn flush(&mut self) -> Vec<BuildLine> {
        let mut lines = Vec::new();
        for (digest, step) in &mut self.steps {
            let texts =
                [(BuildStream::Stdout, step.stdout.flush()), (BuildStream::Stderr, step.stderr.flush())];
            for (stream, text) in texts {
                let Some(text) = text else { continue };
                step.show(digest, &mut self.current, stream, text, &mut lines);
            }
        }
        lines
    }

    /// The step that failed by itself. Others may have been cancelled on its account.
    pub(super) fn failed_step(&self) -> Option<&Step> {
        self.steps.values().find(|step| !step.error.is_empty() && !step.error.contains("context canceled"))
    }

    fn take_vertex(&mut self, vertex: Vertex, lines: &mut Vec<BuildLine>) {
        let step = self.steps.entry(vertex.digest.clone()).or_default();
        step.name = with_known_base(tidy(&vertex.name), &self.base_names);
        if !vertex.error.is_empty() {
            step.error = vertex.error;
        }
        let begun = vertex.started.is_some() || vertex.cached;
        if begun && !step.announced && step.is_instruction() {
            step.announced = true;
            let cached = if vertex.cached { " (cached)" } else { "" };
            lines.push(BuildLine { stream: BuildStream::Step, text: format!("{}{cached}", step.shown()) });
            self.current = Some(vertex.digest);
        }
    }

    fn take_log(&mut self, log: &VertexLog, lines: &mut Vec<BuildLine>) {
        let step = self.steps.entry(log.vertex.clone()).or_default();
        let (stream, assembler) = match log.stream {
            STDERR => (BuildStream::Stderr, &mut step.stderr),
            _ => (BuildStream::Stdout, &mut step.stdout),
        };
        for text in assembler.push(&log.msg) {
            step.show(&log.vertex, &mut self.current, stream, text, lines);
        }
    }
}

impl Step {
    /// Whether it is an instruction of the Dockerfile and not BuildKit's own work.
    fn is_instruction(&self) -> bool {
        self.name.starts_with('[') && !self.name.starts_with("[internal]")
    }

    /// The instruction for people: without BuildKit's number, which names one of the stages that share it, and without
    /// the registry that stands for "none was named".
    fn shown(&self) -> String {
        self.instruction().replacen("docker.io/library/", "", 1)
    }

    /// What follows the number: `RUN npm ci`.
    pub(super) fn instruction(&self) -> &str {
        self.name.split_once("] ").map_or(self.name.as_str(), |(_number, instruction)| instruction)
    }

    /// Shows a line, after the name of its step where another one's lines were shown last: stages are built at the same
    /// time.
    fn show(
        &mut self,
        digest: &str,
        current: &mut Option<String>,
        stream: BuildStream,
        text: String,
        lines: &mut Vec<BuildLine>,
    ) {
        if self.is_instruction() && current.as_deref() != Some(digest) {
            lines.push(BuildLine { stream: BuildStream::Step, text: self.shown() });
            *current = Some(digest.to_owned());
        }
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(text.clone());
        lines.push(BuildLine { stream, text });
    }
}

/// A vertex's name with the base image as people call it.
fn with_known_base(name: String, base_names: &BTreeMap<String, String>) -> String {
    let Some((before, image)) = name.split_once("FROM ") else { return name };
    let written = image.trim_start_matches("docker.io/").trim_start_matches("library/");
    // An engine that knows a digest of its own images adds it.
    let without_digest = written.split('@').next().unwrap_or(written);
    let known = base_names.get(written).or_else(|| base_names.get(without_digest));
    known.map_or_else(|| name.clone(), |known| format!("{before}FROM {known}"))
}

/// A vertex's name on one line and without the mounts of a `RUN`, and without how it reads its variables: they say nothing
/// to the person who pushed.
fn tidy(name: &str) -> String {
    let words = name.split_whitespace().filter(|word| !word.starts_with("--mount="));
    words.collect::<Vec<_>>().join(" ").replacen(SOURCED, "", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(digest: &str, name: &str) -> Vertex {
        Vertex { digest: digest.to_owned(), name: name.to_owned(), ..Vertex::default() }
    }

    fn begun(digest: &str, name: &str, cached: bool) -> StatusResponse {
        let vertex = Vertex { started: Some(<_>::default()), cached, ..vertex(digest, name) };
        StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() }
    }

    fn printed(digest: &str, stream: i64, text: &str) -> StatusResponse {
        let log = VertexLog { vertex: digest.to_owned(), stream, msg: text.into(), timestamp: None };
        StatusResponse { logs: vec![log], ..StatusResponse::default() }
    }

    fn shown(reports: Vec<StatusResponse>) -> Vec<String> {
        let mut transcript = Transcript::default();
        let mut lines: Vec<_> = reports.into_iter().flat_map(|report| transcript.take(report)).collect();
        lines.extend(transcript.flush());
        lines.into_iter().map(|line| format!("{:?} {}", line.stream, line.text)).collect()
    }

    #[test]
    fn instructions_are_shown_when_they_begin_and_builders_work_is_not() {
        let waiting = StatusResponse { vertexes: vec![vertex("c", "[3/3] RUN later")], ..Default::default() };
        let lines = shown(vec![
            begun("x", "[internal] load build definition from Dockerfile", false),
            begun("a", "[1/3] FROM docker.io/library/node:22", true),
            waiting,
            begun(
                "b",
                "[2/3] RUN --mount=type=cache,target=/root/.npm . /run/gilgal/variables && npm \t ci",
                false,
            ),
            begun("b", "[2/3] RUN --mount=type=cache,target=/root/.npm npm \t ci", false),
            begun("e", "exporting to image", false),
        ]);
        assert_eq!(lines, ["Step FROM node:22 (cached)", "Step RUN npm ci"]);
    }

    #[test]
    fn stages_that_run_together_are_told_apart() {
        let lines = shown(vec![
            begun("a", "[one 1/2] RUN a", false),
            begun("b", "[two 1/2] RUN b", false),
            printed("b", 1, "from b\n"),
            printed("a", 2, "from a\npart"),
        ]);
        assert_eq!(
            lines,
            ["Step RUN a", "Step RUN b", "Stdout from b", "Step RUN a", "Stderr from a", "Stderr part",]
        );
    }

    #[test]
    fn the_failed_step_is_the_cause_and_keeps_its_last_lines() {
        let mut transcript = Transcript::default();
        for number in 0..40 {
            transcript.take(printed("a", 1, &format!("{number}\n")));
        }
        let failed = |digest: &str, error: &str| {
            let vertex = Vertex { error: error.to_owned(), ..vertex(digest, "[2/2] RUN x") };
            StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() }
        };
        transcript.take(failed("b", "context canceled"));
        assert!(transcript.failed_step().is_none());
        transcript.take(failed("a", "exit code: 1"));
        let step = transcript.failed_step().unwrap();
        assert_eq!(step.last_lines.len(), LAST_LINES);
        assert_eq!(step.last_lines.back().map(String::as_str), Some("39"));
        assert_eq!(step.instruction(), "RUN x");
    }
}
