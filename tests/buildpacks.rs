//! Detection and rendering on whole projects: what is recognised, what the Dockerfile says, and what is refused.

#![expect(clippy::unwrap_used, reason = "functions of a test may fail it")]

#[path = "buildpacks/support.rs"]
mod support;

#[path = "support/documentation.rs"]
mod documentation;

#[path = "buildpacks/deno.rs"]
mod deno;
#[path = "buildpacks/dotnet.rs"]
mod dotnet;
#[path = "buildpacks/eject.rs"]
mod eject;
#[path = "buildpacks/elixir.rs"]
mod elixir;
#[path = "buildpacks/examples.rs"]
mod examples;
#[path = "buildpacks/frameworks.rs"]
mod frameworks;
#[path = "buildpacks/go.rs"]
mod go;
#[path = "buildpacks/hostile.rs"]
mod hostile;
#[path = "buildpacks/java.rs"]
mod java;
#[path = "buildpacks/kinds.rs"]
mod kinds;
#[path = "buildpacks/languages.rs"]
mod languages;
#[path = "buildpacks/nextjs.rs"]
mod nextjs;
#[path = "buildpacks/node.rs"]
mod node;
#[path = "buildpacks/node_dependencies.rs"]
mod node_dependencies;
#[path = "buildpacks/own.rs"]
mod own;
#[path = "buildpacks/own_commands.rs"]
mod own_commands;
#[path = "buildpacks/package_json.rs"]
mod package_json;
#[path = "buildpacks/php.rs"]
mod php;
#[path = "buildpacks/plan.rs"]
mod plan;
#[path = "buildpacks/project_file.rs"]
mod project_file;
#[path = "buildpacks/python.rs"]
mod python;
#[path = "buildpacks/refusals.rs"]
mod refusals;
#[path = "buildpacks/ruby.rs"]
mod ruby;
#[path = "buildpacks/rust.rs"]
mod rust;
#[path = "buildpacks/sites.rs"]
mod sites;
#[path = "buildpacks/starters.rs"]
mod starters;
#[path = "buildpacks/static_table.rs"]
mod static_table;
#[path = "buildpacks/vite.rs"]
mod vite;
#[path = "buildpacks/workspaces.rs"]
mod workspaces;
