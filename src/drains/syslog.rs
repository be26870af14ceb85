//! Lines as syslog messages (RFC 5424), each with its length before it (RFC 6587 §3.4.1, RFC 5425 §4.3).

use super::line::{Kind, Line};
use crate::engine::OutputStream;
use crate::model::drain::DrainToken;
use chrono::SecondsFormat;
use std::fmt::Write;

/// The facility of programs that people run (RFC 5424 §6.2.1).
const USER: u8 = 1;
/// Most characters of an APP-NAME (RFC 5424 §6).
const LONGEST_NAME: usize = 48;
/// The element of structured data. The number is the one for examples (RFC 5612): nobody has given this program one.
const ELEMENT: &str = "gilgal@32473";

/// A line as it is sent, with its length. `host` is the name of this server.
pub(super) fn framed(line: &Line, host: &str, token: Option<&DrainToken>) -> String {
    let message = message(line, host, token);
    format!("{} {message}", message.len())
}

fn message(line: &Line, host: &str, token: Option<&DrainToken>) -> String {
    let severity = match line.kind {
        Kind::Printed(OutputStream::Stdout) => 6,
        Kind::Printed(OutputStream::Stderr) => 3,
        Kind::Notice => 4,
    };
    let source = &line.source;
    let name = source.project.as_str();
    let mut message = format!(
        "<{}>1 {} {host} {} {} - [{ELEMENT}",
        USER * 8 + severity,
        line.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        name.get(..LONGEST_NAME).unwrap_or(name),
        source.process
    );
    let mut parameter = |name: &str, value: &str| {
        // RFC 5424 §6.3.3.
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
        let _ = write!(message, " {name}=\"{value}\"");
    };
    parameter("project", name);
    if let Some(origin) = &source.origin {
        parameter("environment", origin.environment.as_str());
        parameter("process", &source.process);
        parameter("instance", origin.instance_shown());
        parameter("deployment", &origin.deployment.to_string());
    }
    parameter("stream", line.stream());
    message.push(']');
    if let Some(token) = token {
        let _ = write!(message, "[{}]", token.expose());
    }
    message.push(' ');
    message.push_str(&line.text);
    message
}

#[cfg(test)]
mod tests {
    use super::super::line::examples::line;
    use super::*;

    #[test]
    fn a_line_is_a_message_with_its_length() {
        let token: DrainToken = "TOKEN@41058".parse().unwrap();
        let framed = framed(&line("hello ✓"), "apps.example.com", Some(&token));
        let (length, message) = framed.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), message.len(), "octets, not characters");
        insta::assert_snapshot!(message, @r#"<14>1 2026-11-26T12:00:00.123456Z apps.example.com shop web.1 - [gilgal@32473 project="shop" environment="production" process="web.1" instance="0123456789ab" deployment="0190b5c8-0000-7000-8000-000000000001" stream="stdout"][TOKEN@41058] hello ✓"#);
    }

    #[test]
    fn errors_and_notices_have_their_severity() {
        let mut error = line("x");
        error.kind = Kind::Printed(OutputStream::Stderr);
        assert!(message(&error, "h", None).starts_with("<11>1 "));
        let dropped = Line::of_dropped(7, &"shop".parse().unwrap());
        let message = message(&dropped, "h", None);
        assert!(message.starts_with("<12>1 ") && message.contains(" shop drain - "), "{message}");
        assert!(message.contains("] 7 lines were dropped"), "{message}");
    }
}
