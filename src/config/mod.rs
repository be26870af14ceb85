//! Settings: every environment variable and every line of `server.toml`, named and documented once.
