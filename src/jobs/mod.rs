//! A small durable queue.
