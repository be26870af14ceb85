//! The build variables of an environment in the commands of a rendered Dockerfile.
//!
//! They are in the environment of each `RUN`, and nowhere else: the command reads them from a file that BuildKit mounts
//! for it. The id of the mount stands for their values, so that a command that has run with others is not taken from the
//! cache. Commands that install packages of Debian have none. Before the source is there, a command has those that are no
//! one's to see: an access token of a registry, but not the text of a page, so that dependencies stay where they are when
//! such a text changes.

use std::collections::BTreeSet;

/// Where a command finds them.
const PATH: &str = "/run/gilgal/variables";

/// What a command that has build variables begins with.
pub const SOURCED: &str = ". /run/gilgal/variables && ";

/// The ids of the secrets that hold build variables, each as a file of `export NAME='value'` lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenVariables {
    /// All of them, for commands that have the source.
    pub build: String,
    /// Those that are not public, for commands before it; `None` where there are none.
    pub install: Option<String>,
}

/// A Dockerfile of ours with the variables in its commands.
pub(crate) fn give(dockerfile: &str, variables: &GivenVariables) -> String {
    let mut given = String::with_capacity(dockerfile.len());
    let mut has_source = false;
    let mut stage = None;
    let mut stages_with_source = BTreeSet::new();
    for instruction in instructions(dockerfile) {
        if let Some(from) = instruction.strip_prefix("FROM ") {
            let mut words = from.split_whitespace();
            has_source = words.next().is_some_and(|base| stages_with_source.contains(base));
            // `AS name`
            stage = words.nth(1);
        } else if instruction.starts_with("COPY ") {
            has_source |= copies_all(instruction);
        }
        if has_source {
            stages_with_source.extend(stage);
        }
        let id = if has_source { Some(&variables.build) } else { variables.install.as_ref() };
        match (instruction.strip_prefix("RUN "), id) {
            (Some(run), Some(id)) if !command(run).starts_with("apt-get ") => {
                let (options, command) = run.split_at(run.len() - command(run).len());
                let mount = format!("--mount=type=secret,id={id},target={PATH},mode=0444,required=true");
                given.push_str(&format!("RUN {mount} {options}{SOURCED}{command}"));
            }
            _ => given.push_str(instruction),
        }
    }
    given
}

/// Each instruction, or line between two, with the ends of its lines.
fn instructions(dockerfile: &str) -> impl Iterator<Item = &str> {
    let mut rest = dockerfile;
    std::iter::from_fn(move || {
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            end += line.len();
            if !line.trim_end().ends_with('\\') {
                break;
            }
        }
        let (instruction, behind) = rest.split_at(end);
        rest = behind;
        (end > 0).then_some(instruction)
    })
}

/// Whether a `COPY` brings the whole source, from the context or from the stage that had it before.
fn copies_all(copy: &str) -> bool {
    let mut sources = copy.split_whitespace().skip(1).filter(|word| !word.starts_with("--chown="));
    match sources.next() {
        Some(".") => true,
        Some(from) => from == "--from=assets",
        None => false,
    }
}

/// What a `RUN` runs, behind its options.
fn command(run: &str) -> &str {
    let mut rest = run;
    loop {
        rest = rest.trim_start();
        if let Some(next_line) = rest.strip_prefix("\\\n") {
            rest = next_line;
        } else if rest.starts_with("--") {
            rest = &rest[rest.find(char::is_whitespace).unwrap_or(rest.len())..];
        } else {
            return rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKERFILE: &str = "\
FROM node:22 AS build
RUN apt-get update && apt-get install -y git
COPY package.json ./
RUN --mount=type=cache,id=x,target=/root/.npm npm ci
COPY . .
RUN npm run build
RUN --mount=type=cache,id=a,target=/a \\
    --mount=type=cache,id=b,target=/b \\
    make && \\
    make install

FROM node:22
RUN useradd app
COPY --chown=app:app . .
# RUN nothing
RUN true
CMD [\"node\"]
";

    #[test]
    fn every_command_that_may_need_them_has_them() {
        let variables = GivenVariables { build: "all-1".to_owned(), install: Some("some-1".to_owned()) };
        insta::assert_snapshot!(give(DOCKERFILE, &variables));
    }

    #[test]
    fn what_is_public_is_not_given_before_the_source() {
        let variables = GivenVariables { build: "all-1".to_owned(), install: None };
        let given = give(DOCKERFILE, &variables);
        assert!(given.contains("\nRUN --mount=type=cache,id=x,target=/root/.npm npm ci\n"), "{given}");
        assert!(given.contains(". /run/gilgal/variables && npm run build\n"), "{given}");
        assert!(!given.contains(". /run/gilgal/variables && useradd"), "{given}");
    }

    #[test]
    fn a_stage_has_the_source_of_the_one_that_it_goes_on_from() {
        let variables = GivenVariables { build: "all-1".to_owned(), install: None };
        let of_base =
            "FROM node:22 AS base\nCOPY . .\nFROM base AS build\nRUN make\nFROM node:22\nRUN true\n";
        let given = give(of_base, &variables);
        assert!(given.contains(". /run/gilgal/variables && make\n"), "{given}");
        assert!(given.contains("\nRUN true\n"), "{given}");
    }
}
