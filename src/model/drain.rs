//! Log drains: where what a project's instances print is sent to.

use crate::model::id::{DrainId, EnvironmentId, ProjectId};
use crate::model::instance::InstanceId;
use crate::model::remote_host::is_host_name;
use crate::model::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// Most drains of a project.
pub const MOST_DRAINS: u32 = 10;
/// Most bytes of the certificates that a drain trusts.
pub const LONGEST_CERTIFICATES: usize = 64 * 1024;

/// What the token of a drain, and where it leads, are sealed for.
#[must_use]
pub fn seal_purpose(drain: DrainId) -> String {
    format!("drain {drain}")
}

/// A log drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    pub id: DrainId,
    pub project_id: ProjectId,
    /// Of this environment only.
    pub environment_id: Option<EnvironmentId>,
    /// Where it leads, as far as everybody who sees the drain may know.
    pub url: String,
    /// Ciphertext made by `secrets`: where it leads.
    pub sealed_url: String,
    /// Ciphertext made by `secrets`; never the token itself.
    pub sealed_token: Option<String>,
    /// Certificates (PEM) that are trusted beside those of the system.
    pub certificates: Option<String>,
    pub progress: DrainProgress,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// How far a drain is. Kept in the database now and then, and at the end of the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DrainProgress {
    pub last_success_at: Option<Timestamp>,
    /// Why the last try failed, until one succeeds.
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
    /// Lines that were never sent: the receiver was away, slower than the app, or refused them.
    pub dropped: u64,
    /// When the last line that was sent of each instance was printed.
    pub sent: BTreeMap<InstanceId, Timestamp>,
}

/// How lines are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrainProtocol {
    /// Syslog (RFC 5424) over TCP, each message with its length before it (RFC 6587 §3.4.1).
    SyslogTcp,
    /// The same over TLS (RFC 5425).
    SyslogTls,
    /// JSON lines in the bodies of POST requests.
    Https,
    /// The same, for anybody on the way to read: to networks that the operator names only.
    Http,
}

impl DrainProtocol {
    const ALL: [Self; 4] = [Self::SyslogTcp, Self::SyslogTls, Self::Https, Self::Http];

    /// The scheme of its URLs.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::SyslogTcp => "syslog+tcp",
            Self::SyslogTls => "syslog+tls",
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// Whether everybody on the way can read what is sent.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        match self {
            Self::SyslogTcp | Self::Http => true,
            Self::SyslogTls | Self::Https => false,
        }
    }

    /// Whether a drain of it speaks syslog.
    #[must_use]
    pub const fn is_syslog(self) -> bool {
        match self {
            Self::SyslogTcp | Self::SyslogTls => true,
            Self::Https | Self::Http => false,
        }
    }
}

/// Where lines are sent: `syslog+tls://logs.example.com:6514`, `https://logs.example.com/ingest?source=shop`. What is behind
/// the host is often as good as a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DrainUrl {
    text: String,
    protocol: DrainProtocol,
    host: String,
    port: u16,
}

/// A text is not the URL of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDrainUrl {
    #[error("This must be a URL: syslog+tls://host:port, syslog+tcp://host:port or https://host/path.")]
    Form,
    #[error("A syslog URL is a host and a port: syslog+tls://logs.example.com:6514.")]
    Syslog,
    #[error("No password in the URL: give it as `token`.")]
    Password,
}

impl DrainUrl {
    /// Most bytes of one.
    const LONGEST: usize = 1024;

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As much of it as whoever sees the drain may know: `https://logs.example.com/…`.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.protocol.is_syslog() {
            // A host and a port: there is nothing else in it.
            return self.text.clone();
        }
        let origin = self.origin();
        if self.text.trim_end_matches('/') == origin { origin } else { format!("{origin}/…") }
    }

    /// How lines are sent.
    #[must_use]
    pub const fn protocol(&self) -> DrainProtocol {
        self.protocol
    }

    /// The scheme, the host and the port where it is not the usual one, as whoever connects reads them: of `https` a `\` is
    /// a `/` (URL Standard §4.4).
    #[must_use]
    pub fn origin(&self) -> String {
        Url::parse(&self.text).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    /// A name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address that it names, where it names one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for DrainUrl {
    type Err = InvalidDrainUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDrainUrl> {
        let text = text.trim();
        let plain = text.len() <= Self::LONGEST && text.chars().all(|character| character.is_ascii_graphic());
        let url = Url::parse(text).ok().filter(|_| plain).ok_or(InvalidDrainUrl::Form)?;
        let known = DrainProtocol::ALL.into_iter().find(|protocol| protocol.scheme() == url.scheme());
        let protocol = known.ok_or(InvalidDrainUrl::Form)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidDrainUrl::Password);
        }
        let host = match url.host().ok_or(InvalidDrainUrl::Form)? {
            Host::Domain(name) if is_host_name(name.trim_end_matches('.')) => name.to_ascii_lowercase(),
            Host::Domain(_) => return Err(InvalidDrainUrl::Form),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if protocol.is_syslog() && (!bare || url.port().is_none()) {
            return Err(InvalidDrainUrl::Syslog);
        }
        let port = url.port_or_known_default().filter(|port| *port > 0).ok_or(InvalidDrainUrl::Form)?;
        if url.fragment().is_some() {
            return Err(InvalidDrainUrl::Form);
        }
        Ok(Self { text: text.to_owned(), protocol, host, port })
    }
}

impl fmt::Debug for DrainUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

/// What a receiver knows its senders by. Over HTTP it is sent as `Authorization: Bearer …`; in syslog it is an element of
/// the structured data, without its brackets, as the receiver asks for it: `TOKEN@41058`, `auth@1234 token="…"`.
#[derive(Clone, PartialEq, Eq)]
pub struct DrainToken(String);

impl fmt::Debug for DrainToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

/// A text cannot be the token of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use 1 to {} visible characters of ASCII.", DrainToken::LONGEST)]
pub struct InvalidDrainToken;

impl DrainToken {
    const LONGEST: usize = 1024;

    /// The token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is an element of structured data without its brackets (RFC 5424 §6.3): a name, and perhaps parameters.
    #[must_use]
    pub fn is_structured_data(&self) -> bool {
        let (name, mut rest) = self.0.split_once(' ').unwrap_or((&self.0, ""));
        let is_name =
            |name: &str| (1..=32).contains(&name.len()) && !name.contains(['=', ']', '"', '[', ' ']);
        if !is_name(name) {
            return false;
        }
        while !rest.is_empty() {
            let Some((parameter, value)) = rest.split_once("=\"") else { return false };
            let Some((value, behind)) = value.split_once('"') else { return false };
            if !is_name(parameter) || value.contains([']', '\\']) {
                return false;
            }
            rest = match behind.strip_prefix(' ') {
                Some(more) if !more.is_empty() => more,
                Some(_) => return false,
                None if behind.is_empty() => "",
                None => return false,
            };
        }
        true
    }
}

impl FromStr for DrainToken {
    type Err = InvalidDrainToken;

    fn from_str(text: &str) -> Result<Self, InvalidDrainToken> {
        let text = text.trim();
        let valid = (1..=Self::LONGEST).contains(&text.len())
            && text.chars().all(|character| character.is_ascii_graphic() || character == ' ');
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidDrainToken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_and_where() {
        for (text, protocol, host, port) in [
            ("syslog+tls://Logs.example.com:6514", DrainProtocol::SyslogTls, "logs.example.com", 6514),
            ("syslog+tcp://10.0.0.1:514/", DrainProtocol::SyslogTcp, "10.0.0.1", 514),
            ("syslog+tcp://[::1]:514", DrainProtocol::SyslogTcp, "::1", 514),
            ("https://logs.example.com/in?source=shop", DrainProtocol::Https, "logs.example.com", 443),
            ("http://127.1:8080", DrainProtocol::Http, "127.0.0.1", 8080),
        ] {
            let url: DrainUrl = text.parse().unwrap();
            assert_eq!((url.protocol(), url.host(), url.port()), (protocol, host, port), "{text}");
            assert_eq!(url.as_str(), text);
        }
        for wrong in [
            "",
            "logs.example.com:514",
            "syslog://logs.example.com:514",
            "syslog+tls://logs.example.com",
            "syslog+tls://logs.example.com:6514/x",
            "syslog+tcp://:514",
            "syslog+tcp://a%00b:514",
            "syslog+tcp://a:0",
            "https://user:secret@logs.example.com",
            "https://",
            "https://logs.example.com/#x",
            "https://logs.example.com/a b",
            "file:///etc/passwd",
        ] {
            assert!(wrong.parse::<DrainUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_host_is_shown() {
        for (text, shown) in [
            ("syslog+tls://logs.example.com:6514", "syslog+tls://logs.example.com:6514"),
            ("https://logs.example.com", "https://logs.example.com"),
            ("https://logs.example.com/", "https://logs.example.com"),
            ("https://logs.example.com:8443/hunter2", "https://logs.example.com:8443/…"),
            ("https://logs.example.com?token=hunter2", "https://logs.example.com/…"),
            (r"https:\\logs.example.com\hunter2", "https://logs.example.com/…"),
            ("http://[::1]/hunter2", "http://[::1]/…"),
        ] {
            let url: DrainUrl = text.parse().unwrap();
            assert_eq!(url.shown(), shown, "{text}");
            assert!(!format!("{url:?}").contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_token_may_be_an_element_of_structured_data() {
        let token = |text: &str| text.parse::<DrainToken>().unwrap();
        for element in ["TOKEN@41058", "auth@1 token=\"x\"", "a@1 b=\"c d\" e=\"\""] {
            assert!(token(element).is_structured_data(), "{element}");
        }
        for other in ["a=b", "two words", "a@1 b=\"c\"d=\"e\"", "a@1 b=\"]\"", "a]@1", "a@1 b=\"c"] {
            assert!(!token(other).is_structured_data(), "{other}");
        }
        for wrong in ["", " ", "a\nb", "é", &"x".repeat(1025)] {
            assert!(wrong.parse::<DrainToken>().is_err(), "{wrong}");
        }
        assert_eq!(format!("{:?}", token("secret")), "<secret>");
    }
}
