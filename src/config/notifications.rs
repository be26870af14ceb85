//! Where notifications may be sent, and who sends mail.

use super::catalogue as names;
use super::lists::Networks;
use super::lookup::Lookup;
use super::values::{ApiUrl, Sender, SmtpUrl};
use crate::model::secret::Secret;
use ipnet::IpNet;

/// How notifications are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationSettings {
    /// What webhooks may lead to although it is no part of the internet.
    pub allow_networks: Vec<IpNet>,
    /// May hold a password; `None`: no mail is sent.
    pub smtp_url: Option<Secret<String>>,
    /// `None`: an address of the base domain.
    pub mail_from: Option<String>,
    /// Where the API is reached from outside, without a slash at its end; `None`: nobody is led to it.
    pub api_url: Option<String>,
}

impl NotificationSettings {
    /// Reads its settings; a mistake ends the start.
    pub(super) fn read(lookup: &mut Lookup) -> Self {
        let networks = lookup.optional::<Networks>(names::WEBHOOK_NETWORKS, "networks such as 10.1.0.0/16");
        let smtp_url =
            lookup.secret::<SmtpUrl>(names::SMTP_URL, "a URL such as smtps://user:password@host:465");
        let mail_from =
            lookup.optional::<Sender>(names::MAIL_FROM, "an address such as Gilgal <gilgal@example.com>");
        let api_url = lookup.optional::<ApiUrl>(names::API_URL, "a URL such as https://gilgal.example.com");
        Self {
            allow_networks: networks.map(|networks| networks.0).unwrap_or_default(),
            smtp_url: smtp_url.map(|url| Secret::new(url.0)),
            mail_from: mail_from.map(|sender| sender.0),
            api_url: api_url.map(|url| url.0),
        }
    }
}
