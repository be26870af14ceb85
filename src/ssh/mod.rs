//! Front door for git: the only folder that knows russh.
