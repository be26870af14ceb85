//! What a pack knows, as a page for people: made of the pack itself, so that it cannot say anything else.

use crate::buildpack::catalog::Pack;
use crate::buildpack::condition::Source;
use crate::buildpack::documents::named;
use crate::buildpack::manifest::{Framework, Manager, Tool};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Names of the examples of a pack that are built and run.
#[derive(Debug, Clone, Default)]
pub struct Tested {
    /// By the kind of project.
    pub kinds: BTreeMap<String, Vec<String>>,
    /// By the package manager: its name, what is shown of it, and where that is from. Nothing of both where nothing is shown.
    pub managers: BTreeMap<[String; 3], Vec<String>>,
}

/// The page of a pack, in Markdown.
pub(crate) fn page(pack: &Pack, tested: &Tested) -> String {
    let manifest = &pack.manifest;
    let mut page = format!(
        "# {}\n\nBuildpack `{}`. Recognised by {}.\n",
        manifest.title, pack.name, manifest.looked_for
    );
    if manifest.own_dockerfile.is_some() {
        page.push_str("\nThe project's own Dockerfile is built as it is.\n");
    }
    section(
        &mut page,
        "Versions",
        "| | to choose from | unless said | said by, in this order |\n|---|---|---|---|\n",
        manifest.tools.iter().map(tool),
    );
    let heading = "| | chosen by | installs with | built and run by the tests |\n|---|---|---|---|\n";
    section(&mut page, "Package managers", heading, {
        let managers = manifest.managers.iter().filter(|manager| manager.refuse.is_none());
        managers.map(|one| manager(one, &manifest.managers, tested))
    });
    let heading = "| kind | ways to build it | written into the output | built and run by the tests |\n|---|---|---|---|\n";
    let kinds = manifest.frameworks.iter().filter(|framework| framework.is_kind());
    let kinds = kinds.map(|kind| framework(kind, &tested.kinds));
    let is_itself_a_kind = manifest.frameworks.iter().all(|framework| framework.title != manifest.title);
    let itself = is_itself_a_kind
        .then(|| format!("| {} | | | {} |\n", manifest.title, examples_of(&manifest.title, &tested.kinds)));
    section(&mut page, "Kinds", heading, kinds.chain(itself));
    let frameworks = manifest.frameworks.iter();
    let of_frameworks = frameworks.clone().flat_map(|framework| {
        let rules = framework.start.iter().chain(framework.modes.iter().flat_map(|mode| &mode.start));
        rules
            .filter(|rule| !rule.looked_for.is_empty())
            .map(|rule| format!("1. {} ({})\n", rule.looked_for, framework.title))
    });
    let own = manifest.start.iter().filter(|rule| !rule.looked_for.is_empty());
    let own = own.map(|rule| format!("1. {}\n", rule.looked_for));
    let said = ["1. `deploy.start` of gilgal.toml, `web` of the Procfile\n".to_owned()];
    let kinds_own =
        frameworks.clone().any(|framework| framework.modes.iter().any(|mode| !mode.start.is_empty()));
    let kinds_own = kinds_own.then(|| "1. what the framework is started with\n".to_owned());
    section(&mut page, "What is started", "The first of these that is there:\n\n", {
        said.into_iter().chain(kinds_own).chain(of_frameworks).chain(own)
    });
    let processes = manifest.processes.iter().map(|rule| rule.name.to_string());
    let processes = processes.map(|name| format!("* `{name}`\n"));
    let of_frameworks = frameworks.flat_map(|framework| {
        framework.processes.iter().map(|rule| format!("* `{}` ({})\n", rule.name, framework.title))
    });
    section(&mut page, "Other process types", "Where the project does not declare them itself:\n\n", {
        processes.chain(of_frameworks)
    });
    let _ = write!(
        page,
        "\n## Port\n\n{} unless something says otherwise; the app is told it in `PORT`.\n",
        manifest.port.default
    );
    let ways = manifest.frameworks.iter().flat_map(|framework| &framework.modes);
    let refused = ways.filter_map(|mode| Some(format!("* {}: {}\n", mode.shown, mode.refuse.as_ref()?)));
    let managers = manifest.managers.iter();
    let refused_managers =
        managers.filter_map(|manager| Some(format!("* {}: {}\n", manager.shown, manager.refuse.as_ref()?)));
    section(&mut page, "Recognised and not supported", "", refused.chain(refused_managers));
    let of_pack = manifest.warnings.iter().chain(manifest.frameworks.iter().flat_map(|framework| {
        framework.warnings.iter().chain(framework.modes.iter().flat_map(|mode| &mode.warnings))
    }));
    let warnings = of_pack
        .map(|advice| &advice.say)
        .chain(manifest.managers.iter().filter_map(|manager| manager.warning.as_ref()));
    section(&mut page, "What a push warns of", "", warnings.map(|say| format!("* {say}\n")));
    section(&mut page, "When a build or the app fails", "By what was said last:\n\n", {
        manifest.failures.iter().map(|failure| format!("* {}\n", failure.advice))
    });
    page
}

/// A heading and what is below it; nothing at all where there is nothing.
fn section(page: &mut String, heading: &str, before: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.collect();
    if !lines.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {heading}\n\n{before}{lines}");
    }
}

fn tool(tool: &Tool) -> String {
    let said = tool.sources.iter().filter_map(place);
    let others = if tool.whole.is_some() { ", and any whole version" } else { "" };
    format!(
        "| {} | {}{others} | {} | {} |\n",
        tool.title,
        tool.available.join(", "),
        tool.default,
        unique(said).join(", ")
    )
}

fn manager(manager: &Manager, all: &[Manager], tested: &Tested) -> String {
    let locks = manager.locks.iter().map(|lock| format!("`{}`", named(lock)));
    let chosen = unique(manager.named_by.iter().filter_map(place).chain(locks));
    let chosen = if chosen.is_empty() { "no lock file".to_owned() } else { chosen.join(", ") };
    // The same manager without a lock file is another row.
    let holds = |one: &Manager, from: &str| one.locks.iter().any(|lock| named(lock) == from);
    let is_this = |[name, shown, from]: &[String; 3]| {
        let is_locked = all.iter().any(|one| holds(one, from));
        let fits = if is_locked { holds(manager, from) } else { manager.locks.is_empty() };
        *name == manager.name && *shown == manager.shown && fits
    };
    let examples = tested.managers.iter().filter(|(key, _)| is_this(key)).flat_map(|(_, examples)| examples);
    let examples = listed(examples);
    format!("| {} | {chosen} | {} | {examples} |\n", manager.name, code(&manager.shown))
}

fn framework(framework: &Framework, examples: &BTreeMap<String, Vec<String>>) -> String {
    let ways: Vec<&str> =
        framework.modes.iter().filter(|mode| mode.refuse.is_none()).map(|mode| mode.shown.as_str()).collect();
    let ways: Vec<&str> = ways.into_iter().filter(|shown| !shown.is_empty()).collect();
    let written: Vec<String> =
        framework.build_variables.iter().map(|prefix| format!("`{prefix}…`")).collect();
    format!(
        "| {} | {} | {} | {} |\n",
        framework.title,
        ways.join(", "),
        written.join(", "),
        examples_of(&framework.title, examples)
    )
}

fn examples_of(kind: &str, examples: &BTreeMap<String, Vec<String>>) -> String {
    listed(examples.get(kind).into_iter().flatten())
}

fn listed<'names>(examples: impl Iterator<Item = &'names String>) -> String {
    let examples: Vec<String> = examples.map(|example| code(example)).collect();
    if examples.is_empty() { "planned only".to_owned() } else { examples.join(", ") }
}

/// Where a source looks, for those that look into a file by its name.
fn place(source: &Source) -> Option<String> {
    match source {
        Source::File { file, key: Some(key), .. } => Some(format!("`{}`: `{key}`", named(file))),
        Source::File { file, key: None, .. } => Some(code(named(file))),
        Source::FirstFile { first_file } => {
            Some(first_file.iter().map(|file| code(file)).collect::<Vec<_>>().join(", "))
        }
        Source::PythonCall { .. }
        | Source::PythonName { .. }
        | Source::Setting { .. }
        | Source::OnlyMember(_)
        | Source::CargoProgram { .. }
        | Source::ExposedPort { .. }
        | Source::Fixed { .. }
        | Source::Among(_) => None,
    }
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// Each text once, in the order in which they come first.
fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for text in texts {
        if !once.contains(&text) {
            once.push(text);
        }
    }
    once
}
