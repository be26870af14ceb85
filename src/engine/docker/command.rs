//! From a process type's command to what Docker starts.

use crate::model::process::Command;

/// What replaces the image's `ENTRYPOINT` and `CMD`, and what docker-init has to know about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The whole argument vector; `None`: as the image says.
    pub(super) arguments: Option<Vec<String>>,
    /// Signals must go to every process of the instance's group, because the first one is a shell that waits.
    pub(super) signal_group: bool,
}

/// How to start a command so that the signal to stop reaches the program itself.
///
/// A shell that stays between docker-init and the program swallows SIGTERM: it dies at once and takes the program with
/// it, mid-request. So a line of one command is `exec`ed, and a line of several is run by a shell that waits for the
/// program to end while docker-init signals the whole group.
pub(super) fn start(command: &Command) -> Start {
    match command {
        Command::Image => Start { arguments: None, signal_group: false },
        Command::Exec(arguments) => Start { arguments: Some(arguments.clone()), signal_group: false },
        Command::Line(line) => {
            let line = line.trim();
            let single = is_single_command(line);
            // A trapped signal is one that children get with its usual effect (POSIX 2.11), unlike an ignored one.
            let script = if single {
                format!("exec {line}")
            } else {
                format!("trap : TERM INT QUIT HUP USR1 USR2\n{line}")
            };
            let arguments = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
            Start { arguments: Some(arguments), signal_group: !single }
        }
    }
}

/// Whether `exec` can stand in front of a line: one program with its arguments, no list, pipe, subshell or assignment.
/// Quotes are not looked into, so a `;` inside of them is taken for a list: the second way is right for those, too.
fn is_single_command(line: &str) -> bool {
    const OPERATORS: [char; 9] = [';', '&', '|', '\n', '(', ')', '{', '`', '!'];
    /// Words that only a shell knows; `exec` looks for a program.
    const SHELL_WORDS: [&str; 14] = [
        "exec", "cd", "export", "set", "unset", "source", ".", "eval", "if", "for", "while", "until", "case",
        "trap",
    ];
    let expansions_only = line.replace("${", "");
    let first_word = line.split_whitespace().next().unwrap_or_default();
    !expansions_only.contains(OPERATORS) && !first_word.contains('=') && !SHELL_WORDS.contains(&first_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(line: &str) -> String {
        start(&Command::Line(line.to_owned())).arguments.unwrap().pop().unwrap()
    }

    #[test]
    fn one_command_takes_the_place_of_its_shell() {
        for line in
            ["node server.js", "gunicorn app:app --bind 0.0.0.0:$PORT", "./run ${PORT:-8080} > /dev/stderr"]
        {
            assert_eq!(script(line), format!("exec {line}"));
            assert!(!start(&Command::Line(line.to_owned())).signal_group);
        }
    }

    #[test]
    fn several_commands_are_waited_for() {
        for line in [
            "npm run migrate && npm start",
            "FOO=1 node server.js",
            "cd app; ./run",
            "exec node server.js",
            "(a)",
            "for x in 1 2; do echo $x; done",
            "a | b",
        ] {
            assert_eq!(script(line), format!("trap : TERM INT QUIT HUP USR1 USR2\n{line}"));
            assert!(start(&Command::Line(line.to_owned())).signal_group);
        }
    }

    #[test]
    fn an_argument_vector_and_the_image_are_left_alone() {
        let vector = vec!["node".to_owned(), "a b.js".to_owned()];
        let exec = start(&Command::Exec(vector.clone()));
        assert_eq!(exec, Start { arguments: Some(vector), signal_group: false });
        assert_eq!(start(&Command::Image).arguments, None);
    }
}
