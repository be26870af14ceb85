//! From BuildKit's words to what a person can do about it.
//!
//! BuildKit's API gives one text for every failure; its words differ between versions. So the step that failed decides
//! where it can, and the text only where there is no such step.

use super::BuildError;
use super::transcript::Step;
use crate::buildpack::SOURCED;

/// A process that was killed: 128 + SIGKILL.
const KILLED: i64 = 137;

/// What BuildKit and gRPC put in front of the part that says something.
const FRAMES: [&str; 6] = [
    "failed to solve with frontend dockerfile.v0: ",
    "failed to solve: ",
    "failed to create LLB definition: ",
    "rpc error: code = Unknown desc = ",
    "rpc error: code = NotFound desc = ",
    "dockerfile.v0: ",
];

/// The error for a message of the engine and the step that failed, if one did.
pub(super) fn explain(message: &str, step: Option<&Step>) -> BuildError {
    if message.contains("no space left on device") {
        return BuildError::DiskFull;
    }
    if let Some(step) = step {
        if let Some(image) = base_image(step) {
            return BuildError::BaseImageMissing { image, reason: without_frames(&step.error) };
        }
        if step.name.starts_with('[') && !step.name.starts_with("[internal]") {
            return explain_instruction(step);
        }
    }
    let reason = without_frames(message);
    if let (Some(command), Some(exit_code)) = (failed_command(&reason), exit_code(&reason)) {
        return BuildError::CommandFailed { command: command.to_owned(), exit_code, last_lines: Vec::new() };
    }
    let about_dockerfile = ["dockerfile parse error", "Dockerfile parse error", "failed to read dockerfile"];
    if about_dockerfile.iter().any(|words| message.contains(words)) || message.contains("LLB definition") {
        BuildError::DockerfileSyntax { message: reason }
    } else if ["archive/tar", "unexpected EOF", "Error processing tar file"]
        .iter()
        .any(|words| message.contains(words))
    {
        BuildError::ContextBroken { reason }
    } else {
        BuildError::Other { message: reason }
    }
}

/// The image that a step was to fetch: the step that looks it up, or the `FROM` that downloads it.
fn base_image(step: &Step) -> Option<String> {
    let looked_up = step.name.strip_prefix("[internal] load metadata for ");
    let image = looked_up.or_else(|| step.instruction().strip_prefix("FROM "))?;
    // As people write it: Docker Hub is not named.
    Some(image.trim_start_matches("docker.io/").trim_start_matches("library/").to_owned())
}

fn explain_instruction(step: &Step) -> BuildError {
    let instruction = step.instruction();
    let said = |words: &str| step.last_lines.iter().any(|line| line.contains(words));
    let last_lines = || step.last_lines.iter().cloned().collect();
    match (instruction.strip_prefix("RUN "), exit_code(&step.error)) {
        (Some(_), Some(_)) if said("ENOSPC") || said("No space left on device") => BuildError::DiskFull,
        (Some(command), Some(code)) if code == KILLED || said("heap out of memory") => {
            BuildError::OutOfMemory { command: command.to_owned(), memory: None, last_lines: last_lines() }
        }
        (Some(command), Some(exit_code)) => {
            BuildError::CommandFailed { command: command.to_owned(), exit_code, last_lines: last_lines() }
        }
        _ => BuildError::InstructionFailed {
            instruction: instruction.to_owned(),
            reason: without_frames(&step.error),
        },
    }
}

/// The number at the end of `executor failed running [/bin/sh -c npm ci]: exit code: 1`, or of the `process "…" did not
/// complete successfully: exit code: 1` of later versions.
fn exit_code(error: &str) -> Option<i64> {
    let (_, code) = error.rsplit_once("exit code: ")?;
    code.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// The command of a `RUN`, out of the text of its failure. The engine stops telling of steps when the build has failed,
/// so a command that fails within moments may be known from nothing else.
fn failed_command(message: &str) -> Option<&str> {
    let (_, command) = message.split_once("executor failed running [")?;
    let (command, _) = command.rsplit_once("]: exit code: ")?;
    let command = command.strip_prefix("/bin/sh -c ").unwrap_or(command);
    Some(command.strip_prefix(SOURCED).unwrap_or(command))
}

/// The part of a message that says something, without a full stop: the texts of [`BuildError`] have their own.
fn without_frames(message: &str) -> String {
    let mut rest = message.trim();
    while let Some(inner) = FRAMES.iter().find_map(|frame| rest.strip_prefix(frame)) {
        rest = inner;
    }
    rest.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, error: &str, lines: &[&str]) -> Step {
        let mut step = Step::default();
        step.name = name.to_owned();
        step.error = error.to_owned();
        step.last_lines = lines.iter().map(ToString::to_string).collect();
        step
    }

    #[test]
    fn a_command_is_known_without_its_step() {
        let message = "executor failed running [/bin/sh -c echo [x] && exit 3]: exit code: 3";
        let BuildError::CommandFailed { command, exit_code, .. } = explain(message, None) else {
            panic!("not a failed command");
        };
        assert_eq!((command.as_str(), exit_code), ("echo [x] && exit 3", 3));
    }

    #[test]
    fn both_wordings_of_a_failed_command_give_its_exit_code() {
        for error in [
            "executor failed running [/bin/sh -c npm ci]: exit code: 3",
            "process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 3",
        ] {
            let explained = explain(error, Some(&step("[2/3] RUN npm ci", error, &["oh"])));
            let BuildError::CommandFailed { command, exit_code, last_lines } = explained else {
                panic!("{explained:?}")
            };
            assert_eq!((command.as_str(), exit_code, last_lines), ("npm ci", 3, vec!["oh".to_owned()]));
        }
    }

    #[test]
    fn known_causes_are_named() {
        let run = |error: &str, lines: &[&str]| explain(error, Some(&step("[2/3] RUN x", error, lines)));
        assert!(matches!(run("x: exit code: 137", &[]), BuildError::OutOfMemory { .. }));
        let heap = "FATAL ERROR: Reached heap limit - JavaScript heap out of memory";
        assert!(matches!(run("x: exit code: 134", &[heap]), BuildError::OutOfMemory { .. }));
        assert!(matches!(run("x: exit code: 1", &["npm ERR! code ENOSPC"]), BuildError::DiskFull));
        assert!(matches!(explain("write /x: no space left on device", None), BuildError::DiskFull));
        let parse = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: \
                     dockerfile parse error line 2: unknown instruction: RUNN";
        let BuildError::DockerfileSyntax { message } = explain(parse, None) else { panic!() };
        assert_eq!(message, "dockerfile parse error line 2: unknown instruction: RUNN");
    }

    #[test]
    fn a_missing_base_image_is_named_as_people_write_it() {
        for (name, image) in [
            ("[internal] load metadata for docker.io/library/nosuch:1", "nosuch:1"),
            ("[1/2] FROM docker.io/acme/base@sha256:00", "acme/base@sha256:00"),
            ("[internal] load metadata for ghcr.io/acme/base:1", "ghcr.io/acme/base:1"),
        ] {
            let explained = explain("any", Some(&step(name, "not found", &[])));
            let BuildError::BaseImageMissing { image: named, .. } = explained else {
                panic!("{explained:?}")
            };
            assert_eq!(named, image);
        }
    }

    #[test]
    fn an_instruction_without_a_command_gives_its_reason() {
        let error = "failed to compute cache key: \"/nothing\" not found: not found";
        let explained = explain("any", Some(&step("[2/2] COPY nothing .", error, &[])));
        assert!(matches!(explained, BuildError::InstructionFailed { .. }), "{explained:?}");
    }
}
