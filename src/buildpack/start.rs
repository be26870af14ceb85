//! What is started: the first start rule that applies, as a command.

use crate::buildpack::condition::Inspection;
use crate::buildpack::dependencies;
use crate::buildpack::manifest::{Run, StartRule};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render;
use crate::model::plan::Evidence;
use crate::model::process::Command;

/// A command, and what it asks of the build.
pub(crate) struct Start {
    pub(crate) command: Command,
    /// `None` where nothing in the project had to say so.
    pub(crate) evidence: Option<Evidence>,
    /// Packages that the command needs and the project does not depend on.
    pub(crate) missing: Vec<String>,
}

/// The first rule that applies.
///
/// # Errors
/// When a file that a rule reads is broken.
pub(crate) fn choose<'pack>(
    rules: impl Iterator<Item = &'pack StartRule>,
    inspection: &Inspection<'_>,
) -> Result<Option<Start>, Refusal> {
    for rule in rules {
        if inspection.holds(rule.when.as_ref())?
            && let Some((value, from)) = value(rule, inspection)?
        {
            let command = command(&rule.run, &value, inspection)?;
            let missing = missing(&rule.needs, inspection)?;
            let evidence = from.map(|from| Evidence { what: command.shown(), from });
            return Ok(Some(Start { command, evidence, missing }));
        }
    }
    Ok(None)
}

/// The value of a rule and where it was seen; `None` where the rule needs one and there is none.
fn value(rule: &StartRule, inspection: &Inspection<'_>) -> Result<Option<(String, Option<String>)>, Refusal> {
    let Some(source) = &rule.value else {
        let why = rule.when.as_ref().map(|condition| inspection.check(condition)).transpose()?.flatten();
        return Ok(Some((String::new(), why.filter(|why| !why.is_empty()))));
    };
    let Some((text, from)) = inspection.find_text(std::slice::from_ref(source))? else { return Ok(None) };
    if rule.file_with.is_empty() {
        return Ok(Some((text, Some(from))));
    }
    let name = text.trim_start_matches("./");
    let mut files = rule.file_with.iter().map(|ending| format!("{name}{ending}"));
    Ok(files.find(|file| inspection.documents.has_file(file)).map(|file| (file, Some(from))))
}

/// The command of a rule, with the value that the rule found.
///
/// # Errors
/// When a value does not fit where the command needs it.
pub(crate) fn command(run: &Run, value: &str, inspection: &Inspection<'_>) -> Result<Command, Refusal> {
    match run {
        Run::Exec(arguments) => {
            let mut variables = inspection.variables.clone();
            variables.insert("value".to_owned(), value.into());
            let arguments = arguments.iter().map(|argument| render::argument(argument, &variables));
            Ok(Command::Exec(arguments.collect::<Result<_, _>>()?))
        }
        Run::Shell(template) => {
            let mut variables = inspection.variables.clone();
            variables.insert("value".to_owned(), value.into());
            Ok(Command::Line(render::shell_line(template, &variables)?))
        }
        Run::Value => Ok(line(value)),
        Run::Image => Ok(Command::Image),
    }
}

/// A command line of the project: without a shell where it needs none, so that signals reach the program itself.
fn line(text: &str) -> Command {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " _./:@+,-".contains(c);
    let words: Vec<String> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    // A word such as `exec` or `cd` is the shell's own.
    let needs_shell = ["cd", "exec", "export", "set", "source", ".", ":"];
    let is_program = words.first().is_some_and(|program| !needs_shell.contains(&program.as_str()));
    if is_program && text.chars().all(is_plain) {
        Command::Exec(words)
    } else {
        Command::Line(text.to_owned())
    }
}

fn missing(needs: &[String], inspection: &Inspection<'_>) -> Result<Vec<String>, Refusal> {
    let mut missing = Vec::new();
    for package in needs {
        if dependencies::find(inspection.documents, inspection.dependencies, package)?.is_none() {
            missing.push(package.clone());
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::line;
    use crate::model::process::Command;

    #[test]
    fn a_line_gets_a_shell_only_where_it_needs_one() {
        let exec = |words: &[&str]| Command::Exec(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(line("node  server.js"), exec(&["node", "server.js"]));
        for text in [
            "NODE_ENV=production node x",
            "node x && node y",
            "node \"a b\"",
            "node $X",
            "node *.js",
            "exec node x",
            "cd a",
        ] {
            assert_eq!(line(text), Command::Line(text.to_owned()));
        }
    }
}
