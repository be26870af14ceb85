//! Small readers for what cannot be said in a `buildpack.toml`: each looks at one kind of file and knows nothing of plans.

pub(crate) mod cargo;
pub(crate) mod dockerfile;
pub(crate) mod dockerfile_sources;
pub(crate) mod javascript;
pub(crate) mod jsonc;
pub(crate) mod python;
mod python_source;
pub(crate) mod workspace;
