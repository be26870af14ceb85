//! One-off commands: what somebody runs in an environment beside what is live, with its image, variables and limits.

use super::{ProcessError, Processes};
use crate::engine::{Attached, Engine, ExitStatus, InstanceSpec, SessionOutput, TerminalSize};
use crate::model::environment::Environment;
use crate::model::instance::{InstanceId, InstanceKey};
use crate::model::name::ProcessType;
use crate::model::one_off::{OneOffKind, OneOffPlace};
use crate::model::process::Command;
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::secrets::{open_files, open_variables};
use futures_util::stream::BoxStream;
use std::any::Any;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWrite;

/// Exit code of a command that had no more time, as `timeout` gives it.
pub const TIMED_OUT: u32 = 124;

/// What is said of a command that had no more time.
#[must_use]
pub fn out_of_time(longest: Duration) -> String {
    let time = match longest.as_secs() {
        1 => "1 second".to_owned(),
        3600 => "an hour".to_owned(),
        seconds if seconds.is_multiple_of(3600) => format!("{} hours", seconds / 3600),
        seconds => format!("{seconds} seconds"),
    };
    format!("The command was stopped: it ran for {time}, as long as one may.")
}

/// A command that somebody wants to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOffRequest {
    pub command: Command,
    /// The size of its terminal; `None`: it gets none, and its two outputs are told apart.
    pub terminal: Option<TerminalSize>,
    /// The process type whose limits it has; `None`: those of the environment.
    pub limits_of: Option<ProcessType>,
}

/// A command that runs. It is gone, with every trace of it, when this is dropped.
pub struct OneOff {
    /// `run.4711`
    pub name: String,
    /// Ends when the command has ended.
    pub output: BoxStream<'static, io::Result<SessionOutput>>,
    /// What the command reads.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    pub control: OneOffControl,
    /// How long it may run.
    pub longest: Duration,
}

/// What can be done to a command that runs.
pub struct OneOffControl {
    id: InstanceId,
    engine: Arc<dyn Engine>,
    // In this order: the container goes before its place is given to another one.
    _container: Box<dyn Any + Send + Sync>,
    _place: OneOffPlace,
}

impl OneOffControl {
    /// Gives the terminal another size. One that has ended has none any more.
    pub async fn resize(&self, size: TerminalSize) {
        if let Err(error) = self.engine.resize(&self.id, size).await {
            tracing::debug!(%error, "a terminal was not resized");
        }
    }

    /// Waits until the command has ended.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn exit_status(&self) -> Result<ExitStatus, ProcessError> {
        Ok(self.engine.exit_status(&self.id).await?)
    }
}

impl Processes {
    /// Runs a command with what is live in an environment.
    ///
    /// # Errors
    /// When nothing is live, as many commands run as may, or the engine does not start it.
    pub async fn run(
        &self,
        project: &Project,
        environment: &Environment,
        request: OneOffRequest,
    ) -> Result<OneOff, ProcessError> {
        let OneOffRequest { command, terminal, limits_of } = request;
        let live = self.store.current_release(environment.id).await?;
        let live = live.ok_or_else(|| ProcessError::NothingLive(environment.name.clone()))?;
        if let Some(unknown) = limits_of.as_ref().filter(|of| !live.content.processes.contains_key(of)) {
            return Err(ProcessError::NoProcess(unknown.clone()));
        }
        let [.., high, low] = *uuid::Uuid::now_v7().as_bytes();
        let random = u16::from_be_bytes([high, low]);
        let place = self.one_offs.begin(environment.id, OneOffKind::Run, random);
        let place = place.map_err(|too_many| ProcessError::TooMany(too_many.0))?;
        let mut variables = open_variables(&self.master_key, environment.id, &live.content)?;
        if terminal.is_some() {
            variables.push(("TERM".to_owned(), Secret::new("xterm-256color".to_owned())));
        }
        let process_type = OneOffKind::Run.process_type();
        let spec = InstanceSpec {
            key: InstanceKey {
                project_id: project.id,
                environment_id: environment.id,
                deployment_id: live.instances_of(),
                process_type: process_type.clone(),
                index: place.index(),
            },
            generation: 0,
            image: live.content.image.clone(),
            command,
            stop_signal: None,
            environment: variables,
            files: open_files(&self.master_key, environment.id, &live.content)?,
            volumes: live.content.volumes.clone(),
            port: live.content.port,
            limits: live.content.limits_of(limits_of.as_ref().unwrap_or(&process_type)),
            slug: project.slug.clone(),
        };
        self.engine.ensure_network(project.id).await?;
        let Attached { id, output, input, container } = self.engine.attach(&spec, terminal).await?;
        let control =
            OneOffControl { id, engine: Arc::clone(&self.engine), _container: container, _place: place };
        Ok(OneOff { name: spec.key.shown(), output, input, control, longest: self.longest_run })
    }
}

/// The command of a line that somebody has typed. One that means the same without a shell is run without one: not every
/// image has one.
#[must_use]
pub fn typed(line: &str) -> Command {
    let plain = |character: char| character.is_ascii_alphanumeric() || " _-./:,+@%".contains(character);
    if line.chars().all(plain) {
        Command::Exec(line.split_whitespace().map(str::to_owned).collect())
    } else {
        Command::Line(line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_command_is_said_in_words() {
        for (seconds, words) in [
            (1, "ran for 1 second,"),
            (90, "90 seconds"),
            (3600, "an hour"),
            (7200, "2 hours"),
            (3601, "3601 seconds"),
        ] {
            let said = out_of_time(Duration::from_secs(seconds));
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_shell_is_there_for_what_needs_one() {
        let words = ["python", "-m", "app.migrate", "--step=1"];
        assert_eq!(typed("ls -la /app"), Command::Exec(["ls", "-la", "/app"].map(str::to_owned).to_vec()));
        for line in ["echo $HOME", "ls | wc", "a && b", "echo 'a b'", "FOO=1 env", &words.join(" ")] {
            assert_eq!(typed(line), Command::Line(line.to_owned()));
        }
    }
}
