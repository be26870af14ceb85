//! What can be done with projects and environments.
