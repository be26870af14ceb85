//! `gilgal run`: a command beside the app, over the SSH that pushes go over, so that a terminal is one.

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::ssh_place;
use crate::cli::client::prompt;
use crate::git::WorkTree;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// What `ssh` ends with where it could not reach the server, or log in (ssh(1)).
const NO_CONNECTION: u8 = 255;

/// Runs a command to its end; its exit code is that of gilgal.
pub(super) fn run(context: &Context, place: &Place, command: &[String]) -> Result<Answer, Failure> {
    let git_url = &place.project.body.git_url;
    let Some((destination, port)) = ssh_place(git_url) else {
        return Err(Failure::new(format!("The server names {git_url} for pushes, which is no SSH address.")));
    };
    let own_command =
        context.ssh_command.clone().or_else(|| WorkTree::discover(Path::new("."))?.ssh_command());
    let mut ssh = ssh(own_command.as_deref());
    ssh.args(["-p", &port.to_string()]);
    ssh.arg(if prompt::is_possible() && context.screen.live { "-t" } else { "-T" });
    ssh.args(["--", &destination]).arg(format!("run {} {}", place.shown(), line(command)));
    let status = ssh.status().map_err(|error| {
        Failure::new("ssh cannot be started.").caused_by(&error).with_hint("Install OpenSSH's client.")
    })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    let exit = if code == 0 { Exit::Done } else { Exit::Of(code) };
    let answer = Answer::new("", json!({ "exit_code": code })).with_exit(exit);
    Ok(if code == NO_CONNECTION {
        answer.with_notice(
            "hint:  Commands run over SSH, as pushes do. Where your key is not known yet: gilgal keys add",
        )
    } else {
        answer
    })
}

/// What git would start for a push from here: a command of its user's is for a shell, which adds what follows to it.
fn ssh(own_command: Option<&str>) -> Command {
    let Some(own_command) = own_command else { return Command::new("ssh") };
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{own_command} \"$@\""), own_command]);
    shell
}

/// The command line: one word is taken as a shell would, several as they are.
fn line(command: &[String]) -> String {
    match command {
        [line] => line.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    // In single quotes everything stands for itself (POSIX, Shell Command Language §2.2.2).
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ssh_of_a_push_is_the_ssh_of_a_command() {
        let output = ssh(Some("printf '%s,' -F 'a b'"))
            .args(["-p", "22", "--", "git@host", "run shop 'a  b'"])
            .output();
        assert_eq!(
            String::from_utf8(output.unwrap().stdout).unwrap(),
            "-F,a b,-p,22,--,git@host,run shop 'a  b',"
        );
        assert_eq!(ssh(None).get_program(), "ssh");
    }

    #[test]
    fn words_stay_words() {
        let line = |words: &[&str]| line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["echo $HOME | wc -c"]), "echo $HOME | wc -c");
        assert_eq!(line(&["node", "-e", "console.log('a b')"]), "node -e 'console.log('\\''a b'\\'')'");
        assert_eq!(line(&["printf", "%s", ""]), "printf %s ''");
    }
}
