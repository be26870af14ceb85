//! Where instances run.
