//! Front door for programs: JSON over HTTP.
