//! Request and response bodies, shared by the API and the command line.
