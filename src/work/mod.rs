//! The jobs of the queue: each translates a stored payload into a call.
