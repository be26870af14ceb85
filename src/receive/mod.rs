//! From a push to a queued deployment, and the report that the pusher sees.

pub mod report;
