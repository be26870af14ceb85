//! Why a project cannot be built as it is: each reason is a sentence for the person who pushed, with a way out.

use crate::buildpack::procfile::ProcfileError;
use crate::buildpack::project_file::ProjectFileError;

/// Detection found no plan. Never a fault of the server: pushing the same commit again gives the same answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "Gilgal does not recognise this project: its top folder has none of the files that say how to build it. \
         Add one of them, or a Dockerfile."
    )]
    NothingRecognised {
        looked_for: Vec<LookedFor>,
        /// Sentences about files that are nearly right.
        hints: Vec<String>,
    },
    #[error("{} are both in the project and say different things. {way_out}", list(choices))]
    Ambiguous { choices: Vec<String>, way_out: String },
    /// A choice that only a person can make.
    #[error("The project has several {what}: {}. {way_out}", shown(&list(choices)))]
    Several { what: String, choices: Vec<String>, way_out: String },
    #[error("{path} cannot be used: {}.", shown(reason))]
    BrokenFile { path: String, reason: String },
    #[error(
        "This is a {kind}, but nothing says how to start it. Add a Procfile with a line such as `web: {example}`."
    )]
    NoStartCommand {
        kind: String,
        /// A command that would be typical.
        example: String,
        looked_for: Vec<String>,
    },
    #[error("{path} is a symbolic link, which is not followed. Commit the file itself.")]
    SymbolicLink { path: String },
    #[error("{from} asks for {tool} {}, which is not available. Choose one of {}.", shown(wanted), available.join(", "))]
    Version { tool: String, wanted: String, from: String, available: Vec<String> },
    #[error(
        "{path} names the image {}. Images called gilgal/… are those of this server's apps, and no base for others.",
        shown(image)
    )]
    ImageOfAnApp { path: String, image: String },
    #[error(
        "{path} asks to be read by {}. Only Docker's own docker/dockerfile is taken: `# syntax=docker/dockerfile:1`, or \
         no such line.",
        shown(frontend)
    )]
    ForeignFrontend { path: String, frontend: String },
    #[error("{what} is not supported. {way_out}")]
    Unsupported { what: String, way_out: String },
    #[error(transparent)]
    Procfile(#[from] ProcfileError),
    #[error(transparent)]
    ProjectFile(#[from] ProjectFileError),
    #[error("The project has no folder {}, which is set as its root.", shown(root))]
    NoSuchRoot { root: String },
    #[error("There is no buildpack {}. Choose one of {}.", shown(name), available.join(", "))]
    NoSuchBuildpack { name: String, available: Vec<String> },
}

/// What one buildpack looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedFor {
    /// `Node.js`.
    pub title: String,
    /// `package.json`.
    pub files: String,
}

impl Refusal {
    /// What is shown below the sentence, line by line: what was looked for, and hints. Often empty.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::NothingRecognised { looked_for, hints } => {
                let rows = looked_for.iter().map(|row| format!("{:<20}{}", row.title, row.files));
                hints.iter().cloned().chain(["Looked for:".to_owned()]).chain(rows).collect()
            }
            Self::NoStartCommand { looked_for, .. } => {
                let heading = ["Looked for, in this order:".to_owned()];
                heading.into_iter().chain(looked_for.iter().cloned()).collect()
            }
            Self::ProjectFile(error) => error.mistakes.iter().skip(1).map(ToString::to_string).collect(),
            Self::Ambiguous { .. }
            | Self::Several { .. }
            | Self::BrokenFile { .. }
            | Self::SymbolicLink { .. }
            | Self::Version { .. }
            | Self::ImageOfAnApp { .. }
            | Self::ForeignFrontend { .. }
            | Self::Unsupported { .. }
            | Self::Procfile(_)
            | Self::NoSuchRoot { .. }
            | Self::NoSuchBuildpack { .. } => Vec::new(),
        }
    }
}

/// Text of a project as it may be shown in a sentence: short, on one line, and with nothing that moves a cursor.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// `a and b`, `a, b and c`.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}
