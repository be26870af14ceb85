//! Detection and rendering on whole projects: what is recognised, what the Dockerfile says, and what is refused.

#![expect(clippy::unwrap_used, reason = "functions of a test may fail it")]

#[path = "buildpacks/support.rs"]
mod support;

#[path = "buildpacks/deno.rs"]
mod deno;
#[path = "buildpacks/examples.rs"]
mod examples;
#[path = "buildpacks/frameworks.rs"]
mod frameworks;
#[path = "buildpacks/hostile.rs"]
mod hostile;
#[path = "buildpacks/node.rs"]
mod node;
#[path = "buildpacks/python.rs"]
mod python;
#[path = "buildpacks/refusals.rs"]
mod refusals;
#[path = "buildpacks/sites.rs"]
mod sites;
