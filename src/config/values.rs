//! Values of settings that are text with a form of its own.

use crate::model::name::Email;
use std::borrow::Cow;
use std::str::FromStr;
use url::Url;

/// A limit, of which 0 means none.
pub(super) struct PerPeer(pub(super) usize);

impl FromStr for PerPeer {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse().map_err(drop)? {
            0 => Ok(Self(usize::MAX)),
            limit => Ok(Self(limit)),
        }
    }
}

/// A host name with room for a slug in front.
pub(super) struct HostName(pub(super) String);

impl FromStr for HostName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let name = text.trim_matches('.').to_ascii_lowercase();
        let label_valid = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // 190 octets leave room for a slug in front (RFC 1035 §2.3.4: 255 in all).
        if name.len() <= 190 && name.split('.').all(label_valid) { Ok(Self(name)) } else { Err(()) }
    }
}

/// Which lines the server logs.
pub(super) struct LogFilter(pub(super) String);

impl FromStr for LogFilter {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        tracing_subscriber::EnvFilter::try_new(text).map(|_| Self(text.to_owned())).map_err(drop)
    }
}

/// Where the database is.
pub(super) struct DatabaseUrl(pub(super) String);

impl FromStr for DatabaseUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let known =
            ["postgres://", "postgresql://", "sqlite://"].iter().any(|scheme| text.starts_with(scheme));
        if known { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

/// Where the API is reached, without a slash at its end.
pub(super) struct ApiUrl(pub(super) String);

impl FromStr for ApiUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_graphic() && !"?#@\\<>\"".contains(c);
        let is_one = !host.starts_with('/') && !host.is_empty() && host.chars().all(is_plain);
        if is_one { Ok(Self(text.trim_end_matches('/').to_owned())) } else { Err(()) }
    }
}

/// Where mail is handed to.
pub(super) struct SmtpUrl(pub(super) String);

impl FromStr for SmtpUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let url = Url::parse(text).map_err(drop)?;
        let is_known = ["smtp", "smtps"].contains(&url.scheme()) && url.host().is_some();
        // What the mail client understands.
        let is_understood = |(key, value): (Cow<str>, Cow<str>)| {
            key == "tls" && ["required", "opportunistic"].contains(&value.as_ref())
        };
        if is_known && url.query_pairs().all(is_understood) { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

/// Whom mail comes from: an address, or a name and an address in angle brackets.
pub(super) struct Sender(pub(super) String);

impl FromStr for Sender {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let address = match text.strip_suffix('>') {
            Some(text) => text.rsplit_once('<').ok_or(())?.1,
            None => text,
        };
        address.parse::<Email>().map(|_| Self(text.to_owned())).map_err(drop)
    }
}

/// Where the engine listens.
pub(super) struct DockerHost(pub(super) String);

impl FromStr for DockerHost {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let known = ["unix:///", "tcp://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        if known { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_and_a_sender_are_told_from_others() {
        for url in
            ["smtps://ada:secret@mail.example:465", "smtp://mail.example?tls=required", "smtp://[::1]:25"]
        {
            assert!(url.parse::<SmtpUrl>().is_ok(), "{url}");
        }
        for url in ["smtp://", "mail.example:25", "http://mail.example", "smtp://mail.example?tls=maybe"] {
            assert!(url.parse::<SmtpUrl>().is_err(), "{url}");
        }
        for sender in ["gilgal@mail.example", "Gilgal <gilgal@mail.example>", "<gilgal@mail.example>"] {
            assert!(sender.parse::<Sender>().is_ok(), "{sender}");
        }
        for sender in ["gilgal", "Gilgal <gilgal>", "gilgal@mail.example>", ""] {
            assert!(sender.parse::<Sender>().is_err(), "{sender}");
        }
    }
}
