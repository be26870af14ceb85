//! Encryption at rest: sealed values and the key they are sealed with.
