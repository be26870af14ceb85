//! The log of a deployment: numbered lines, kept in the database, followed live by any number of readers.
