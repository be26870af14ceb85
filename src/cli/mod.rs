//! Front door for people at a terminal.
