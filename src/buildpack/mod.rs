//! From a source tree to a build plan, and from a plan to a Dockerfile. Pure: no network, no Docker.
