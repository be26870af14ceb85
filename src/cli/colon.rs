//! Heroku's names with a colon: whoever types `gilgal config:set` is told what it is here.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// The error of the command line, with the right form of a command that was typed with a colon.
pub(super) fn explained(mut error: Error, commands: &Command) -> Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    if let Some(right) = right_form(word, commands) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![right]));
    }
    error
}

/// `config set` for `config:set`, and `scale` for `ps:scale`.
fn right_form(word: &str, commands: &Command) -> Option<String> {
    let (group, action) = word.split_once(':')?;
    let with_action = commands.find_subcommand(group).and_then(|group| {
        let action = group.find_subcommand(action)?;
        Some(format!("{} {}", group.get_name(), action.get_name()))
    });
    with_action.or_else(|| commands.find_subcommand(action).map(|alone| alone.get_name().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::Arguments;
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn a_colon_is_explained() {
        let commands = Arguments::command();
        for (typed, right) in [
            ("config:set", Some("config set")),
            ("config:unset", Some("config unset")),
            ("keys:add", Some("keys add")),
            ("ps:scale", Some("scale")),
            ("releases:rollback", Some("rollback")),
            ("apps:create", Some("create")),
            ("auth:login", Some("login")),
            ("config:nothing", None),
            ("nothing", None),
        ] {
            assert_eq!(right_form(typed, &commands).as_deref(), right, "{typed}");
        }
        let error = Arguments::try_parse_from(["gilgal", "config:set", "A=1"]).unwrap_err();
        let shown = explained(error, &commands).to_string();
        assert!(shown.contains("unrecognized subcommand 'config:set'"), "{shown}");
        assert!(shown.contains("'config set'"), "{shown}");
    }
}
