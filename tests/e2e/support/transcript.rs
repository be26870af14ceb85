//! What differs from one run to the next, taken out of a transcript.

use super::server::Server;
use regex::Regex;

/// Puts words in brackets for ports, ids, durations and sizes, and leaves out the ticks of a slow machine.
pub(super) fn redact(transcript: &str, server: &Server) -> String {
    let mut text = transcript
        .replace(&format!(":{}", server.http.port()), ":[http port]")
        .replace(&format!(":{}", server.ssh.port()), ":[ssh port]")
        .replace(&format!("-p {}", server.ssh.port()), "-p [ssh port]");
    for (pattern, replacement) in [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]"),
        (r"\b[0-9]+\.[0-9] s\b", "[time]"),
        (r"\b[0-9.]+(ms|s) using", "[time] using"),
        (r"\b[0-9]+ MB\b", "[size]"),
        (r"\b[0-9a-f]{12}, \[size\]", "[image], [size]"),
        (r"(Base image \S+) \([0-9a-f]{12}\)", "$1 ([image])"),
        (r"\b[0-9a-f]{7}\.\.[0-9a-f]{7}\b", "[commits]"),
        (r"(main|side) [0-9a-f]{7} by", "$1 [commit] by"),
        (r"superseded by [0-9a-f]{7} of", "superseded by [commit] of"),
        (r"(?m)^(remote:        .*) \(cached\)$", "$1"),
        // Where Node.js is in its own code, and which patch release of it: the base image's business.
        (r"(?m)^remote:            at .*node:.*\n", ""),
        (r"Node\.js v[0-9]+\.[0-9]+\.[0-9]+", "Node.js v[version]"),
        (r"(?m)^remote:        \.\.\. (working|waiting).*\n", ""),
        (r"(?m)^To ssh://.*$", "To [url]"),
        (r"error: failed to push some refs to '.*'", "error: failed to push some refs to '[url]'"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, replacement).into_owned();
    }
    text
}
