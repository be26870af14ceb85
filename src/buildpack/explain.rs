//! A plan in words: what the push shows, and the screen of `gilgal plan`.

use crate::buildpack::refusal::shown;
use crate::model::name::ProcessType;
use crate::model::plan::{BuildPlan, Evidence};

/// Width of the first column of the evidence.
const COLUMN: usize = 20;

/// What a push says about a plan, without the marks (`----->`) that the transcript puts before each line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// `Node.js app detected`.
    pub heading: String,
    /// One line for each piece of evidence, in two columns.
    pub details: Vec<String>,
    /// Each one sentence with a way out.
    pub warnings: Vec<String>,
}

/// Explains a plan.
#[must_use]
pub fn explain(plan: &BuildPlan) -> Explanation {
    Explanation {
        heading: format!("{} detected", plan.kind),
        details: plan.evidence.iter().map(row).collect(),
        warnings: plan.warnings.iter().map(|warning| shown(warning)).collect(),
    }
}

/// Which process types the plan has and who says so: `Procfile declares types -> release, web`.
#[must_use]
pub fn process_types(plan: &BuildPlan) -> String {
    let names: Vec<&str> = plan.processes.keys().map(ProcessType::as_str).collect();
    let names = names.join(", ");
    match plan.declared_in.as_slice() {
        [] => format!("Default types for {} -> {names}", plan.framework),
        [file] => format!("{file} declares types -> {names}"),
        files => format!("{} declare types -> {names}", files.join(" and ")),
    }
}

/// The screen of `gilgal plan`: the explanation, then what would run and on which port.
#[must_use]
pub fn screen(plan: &BuildPlan) -> String {
    let Explanation { heading, details, warnings } = explain(plan);
    let mut lines = vec![format!("-----> {heading}")];
    lines.extend(details.iter().map(|detail| format!("       {detail}")));
    lines.push("-----> Process types".to_owned());
    for (name, command) in &plan.processes {
        let row = row(&Evidence { what: name.to_string(), from: command.shown() });
        lines.push(format!("       {row}"));
    }
    lines.push(match &plan.prebuilt {
        Some(image) if !image.has_own_port => format!(
            "-----> Listens on the port that the image exposes, or {} where that is not exactly one (PORT)",
            plan.port
        ),
        Some(_) | None => format!("-----> Listens on port {} (PORT)", plan.port),
    });
    lines.extend(warnings.iter().map(|warning| format!(" !     {warning}")));
    lines.push(String::new());
    lines.join("\n")
}

fn row(evidence: &Evidence) -> String {
    let what = shown(&evidence.what);
    // A long first column pushes the second one away, by two spaces at least.
    let padding = COLUMN.saturating_sub(what.chars().count()).max(2);
    format!("{what}{}{}", " ".repeat(padding), shown(&evidence.from))
}
