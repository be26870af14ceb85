//! The log of the server itself: format, level, request ids.
