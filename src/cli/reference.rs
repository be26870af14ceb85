//! docs/cli.md, made of what clap knows.

use super::Arguments;
use super::client::exit_codes;
use super::printer;
use clap::{Arg, Command, CommandFactory};
use std::process::ExitCode;

/// What is said before the commands.
const INTRODUCTION: &str = include_str!("reference.md");
/// Flags that the introduction explains: nearly every command has them.
const EXPLAINED: [&str; 6] = ["environment", "project", "server", "json", "help", "version"];

/// `gilgal reference`, hidden: whoever changes a command runs it.
pub(super) fn reference() -> ExitCode {
    printer::line(page().trim_end());
    ExitCode::SUCCESS
}

/// The page, with every command that is not hidden.
fn page() -> String {
    let mut gilgal = Arguments::command();
    gilgal.build();
    let mut page = INTRODUCTION.to_owned();
    page.push_str("## Exit codes\n\n| code | when |\n|---|---|\n");
    for (code, when) in exit_codes() {
        page.push_str(&format!("| {code} | {when} |\n"));
    }
    page.push_str("\n## Commands\n");
    for command in visible(&gilgal) {
        describe(command, &mut page);
    }
    page
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// A command, and those below it.
fn describe(command: &Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    page.push_str(&format!("\n### `{name}`\n\n"));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        page.push_str(&format!("{about}.\n\n"));
    }
    let mut command_for_usage = command.clone();
    let usage = command_for_usage.render_usage().to_string();
    page.push_str(&format!("```text\n{}\n```\n", usage.trim_start_matches("Usage: ").trim()));
    let told: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && !is_explained(argument))
        .collect();
    if !told.is_empty() {
        page.push_str("\n| | |\n|---|---|\n");
        for argument in told {
            page.push_str(&format!("| {} | {} |\n", spelled(argument), meaning(argument)));
        }
    }
    for below in visible(command) {
        describe(below, page);
    }
}

fn is_explained(argument: &Arg) -> bool {
    argument.get_long().is_some() && EXPLAINED.contains(&argument.get_id().as_str())
}

/// How an argument is written: `` `-n`, `--limit NUMBER` ``.
fn spelled(argument: &Arg) -> String {
    let takes_value = argument.get_action().takes_values();
    let value = argument.get_value_names().unwrap_or_default().join(" ");
    let short = argument.get_short().map(|short| format!("`-{short}`"));
    let long = argument
        .get_long()
        .map(|long| if takes_value { format!("`--{long} {value}`") } else { format!("`--{long}`") });
    match (short, long) {
        (None, None) => format!("`{value}`"),
        (short, long) => short.into_iter().chain(long).collect::<Vec<_>>().join(", "),
    }
}

fn meaning(argument: &Arg) -> String {
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let choices: Vec<_> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if argument.get_action().takes_values() && !choices.is_empty() {
        text.push_str(&format!("{}{}", if text.is_empty() { "" } else { ": " }, choices.join(", ")));
    }
    let default: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if argument.get_action().takes_values() && !default.is_empty() {
        text.push_str(&format!(" (`{}` unless given)", default.join(" ")));
    }
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_program_says() {
        let written = include_str!("../../docs/cli.md");
        assert!(written == page(), "docs/cli.md is of another version: cargo run -- reference > docs/cli.md");
    }

    #[test]
    fn commands_are_what_clap_takes_them_for() {
        Arguments::command().debug_assert();
    }
}
