//! One message by the mail server of the operator.

use super::http::{Answered, KEPT, PATIENCE};
use super::schedule::Failure;
use crate::model::name::Email;
use crate::model::secret::Secret;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::error::Error;
use std::time::Duration;

/// How long a message may take in all: mail servers think about whom they talk to.
const WHOLE: Duration = Duration::from_secs(30);

/// What sends messages.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// What is to be sent.
pub(super) struct Mail {
    pub(super) to: Email,
    pub(super) subject: String,
    pub(super) text: String,
    /// The same for what is the same: whoever gets it twice sees it once.
    pub(super) message_id: String,
}

impl Mailer {
    /// Sends by the server that a URL names (`smtps://user:password@host:465`), as somebody (`Gilgal <gilgal@host>`).
    ///
    /// # Errors
    /// What is wrong with one of them, without what stands in it.
    pub fn new(url: &Secret<String>, from: &str) -> Result<Self, &'static str> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
            .map_err(|_| "GILGAL_SMTP_URL is no URL of a mail server: smtps://user:password@host:465")?
            .timeout(Some(PATIENCE))
            .build();
        let from = from
            .parse()
            .map_err(|_| "GILGAL_MAIL_FROM is no address to send mail from: Gilgal <gilgal@example.com>")?;
        Ok(Self { transport, from })
    }

    pub(super) async fn send(&self, mail: Mail) -> Answered {
        match self.message(mail) {
            Some(message) => match tokio::time::timeout(WHOLE, self.transport.send(message)).await {
                Ok(Ok(response)) => {
                    let text: String = response.message().collect::<Vec<_>>().join("\n");
                    let text = text[..text.floor_char_boundary(KEPT)].to_owned();
                    Answered {
                        status: Some(response.code().into()),
                        text: Some(text),
                        failure: None,
                        lack: None,
                    }
                }
                Ok(Err(error)) => failed(&error),
                Err(_) => Failure::new("The mail server did not answer in time.").into(),
            },
            None => {
                Failure { is_refusal: true, ..Failure::new("No mail can be sent to this address.") }.into()
            }
        }
    }

    fn message(&self, mail: Mail) -> Option<Message> {
        let to = Mailbox::new(None, mail.to.as_str().parse().ok()?);
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .message_id(Some(mail.message_id))
            // Nobody who is away answers it (RFC 3834 §5).
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN);
        message.body(mail.text).ok()
    }
}

fn failed(error: &lettre::transport::smtp::Error) -> Answered {
    let mut reason = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        let cause_text = cause.to_string();
        // The outer error says what the one behind it does.
        if !reason.contains(&cause_text) {
            reason = format!("{reason}: {cause_text}");
        }
        behind = cause.source();
    }
    reason.truncate(reason.floor_char_boundary(300));
    // Who the server is, is not taken: that is no word of the mailbox (RFC 4954 §6).
    let is_ours = matches!(error.status().map(u16::from), Some(530 | 534 | 535 | 538));
    let failure = Failure {
        is_refusal: error.is_permanent() && !is_ours,
        ..Failure::new(format!("The mail server did not take it: {reason}."))
    };
    Answered { status: error.status().map(Into::into), text: None, failure: Some(failure), lack: None }
}
