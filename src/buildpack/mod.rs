//! From a source tree to a build plan, and from a plan to a Dockerfile. Pure: no network, no Docker.
//!
//! What is known about a language or framework is data: a folder of `buildpacks/` holds a `buildpack.toml` (how to
//! recognise it, versions, package managers, how to start it) and a `Dockerfile.j2`. The code here interprets that data and
//! knows no framework by name. What cannot be said in data (finding the WSGI object of a Python file, the port in a
//! Dockerfile) is a small parser in `language/`, offered to the data as one more kind of source (`condition`).
//!
//! The way of a detection, one file per step:
//!
//! | step | file |
//! |---|---|
//! | look into files, each parsed once | `documents` |
//! | answer the conditions of a pack | `condition`, `found`, `dependencies`, `among`, `members`, `glob` |
//! | choose the framework among those seen, and the way to build it | `framework`, `mode` |
//! | compute what the templates are given | `variables` |
//! | choose versions | `tool`, `version` |
//! | choose the package manager | `manager` |
//! | find what to start | `start`, `procfile` |
//! | ask the packs, and put the plan of one together | `detect`, `planning`, `way` |
//! | an image that is run as it is | `prebuilt` |
//! | one package of a workspace as the project | `member`; `apps` where nobody has chosen one |
//! | one that has a file of Nx and no manifest | `described` |
//! | say why there is none | [`Refusal`], `misspelt` |
//! | say what helps where a build or an app fails | `failure` |
//! | render the Dockerfile of a plan | `render` |
//! | give its commands the build variables | `given` |
//! | hand it over to the project | `eject` |
//! | say what was found | [`explain()`] |
//! | the operator's own packs | `own` |
//! | the documentation of a pack | `page` |

mod among;
mod app_json;
mod apps;
mod catalog;
mod condition;
mod dependencies;
mod described;
mod detect;
mod directory;
mod documents;
mod eject;
pub mod explain;
mod failure;
mod found;
mod framework;
mod given;
mod glob;
mod language;
mod manager;
mod manifest;
mod member;
mod members;
mod misspelt;
mod mode;
mod own;
mod page;
mod pattern;
mod planning;
mod prebuilt;
pub mod procfile;
pub mod project_file;
mod refusal;
mod render;
mod start;
mod tool;
mod variables;
mod version;
mod way;

pub use catalog::{Catalog, CatalogError};
pub use detect::DetectOptions;
pub use directory::DirectorySource;
pub use eject::{EjectError, Ejected, eject};
pub use explain::{Explanation, explain, process_types, screen};
pub use given::{GivenVariables, SOURCED};
pub(crate) use language::dockerfile_sources::{Fetched, fetched};
pub use own::{BrokenPack, OwnPackError};
pub use page::Tested;
pub use prebuilt::DEFAULT_PORT;
pub use refusal::{LookedFor, Refusal};
pub use render::{RenderContext, RenderError};
