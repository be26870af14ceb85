//! Events for chats and as mail.

use super::{ALLOWED, Setting, all_have_ended, eventually};
use crate::events::EventReceiver;
use gilgal::model::secret::Secret;
use gilgal::notifications::Mailer;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn chats_are_told_in_their_own_form_and_nothing_is_signed() {
    let setting = Setting::new().await;
    let (slack, discord) = (EventReceiver::on(ALLOWED), EventReceiver::on(ALLOWED));
    for (receiver, format) in [(&slack, "slack"), (&discord, "discord")] {
        let url = format!("http://{}/in", receiver.address);
        setting.create(json!({ "url": url, "format": format, "events": ["deployment.failed"] })).await;
    }
    let _telling = setting.tell_for_ever();
    setting.deploy_and_fail().await;
    for (receiver, pointer, part) in [
        (
            &slack,
            "/text",
            "*shop:production: deployment failed*\npush by ada: main at 1a2b3c4\nnpm ci failed",
        ),
        (&discord, "/embeds/0/title", "shop:production: deployment failed"),
        (&discord, "/embeds/0/description", "push by ada: main at 1a2b3c4\nnpm ci failed with exit code 1."),
    ] {
        eventually("it has come", async || receiver.taken().len() == 1).await;
        let taken = receiver.taken().remove(0);
        assert!(!taken.headers.contains_key("gilgal-signature"));
        let body: Value = serde_json::from_str(&taken.body).unwrap();
        let text = body.pointer(pointer).and_then(Value::as_str).unwrap();
        assert!(text.starts_with(part), "{body}");
    }
}

/// A mail server that takes everything but what is for `nobody@`.
struct MailServer {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), messages: Arc::default() };
        let messages = Arc::clone(&server.messages);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let messages = Arc::clone(&messages);
                thread::spawn(move || converse(stream.unwrap(), &messages));
            }
        });
        server
    }

    fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }

    fn mailer(&self) -> Mailer {
        let url = Secret::new(format!("smtp://{}", self.address));
        Mailer::new(&url, "Gilgal <gilgal@apps.test>").unwrap()
    }
}

/// The other side of RFC 5321 §4.1, as far as one message needs it.
fn converse(stream: TcpStream, messages: &Mutex<Vec<String>>) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut say = |reply: &str| writer.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
    say("220 mail.test ESMTP");
    let mut message = String::new();
    while let Some(Ok(line)) = lines.next() {
        let verb = line.to_ascii_uppercase();
        if verb.starts_with("RCPT TO:<NOBODY@") {
            say("550 5.1.1 no such mailbox");
        } else if verb.starts_with("DATA") {
            say("354 go on");
            while let Some(Ok(line)) = lines.next() {
                if line == "." {
                    break;
                }
                message.push_str(&line);
                message.push('\n');
            }
            messages.lock().unwrap().push(std::mem::take(&mut message));
            say("250 2.0.0 queued as 1");
        } else if verb.starts_with("QUIT") {
            say("221 bye");
            return;
        } else {
            message.push_str(&line);
            message.push('\n');
            say("250 mail.test");
        }
    }
}

/// A webhook that leads to a mailbox.
async fn mailbox(setting: &Setting, to: &str) -> String {
    let webhook = setting.server.notifications.create(
        setting.project["id"].as_str().unwrap().parse().unwrap(),
        gilgal::notifications::WebhookDraft {
            format: gilgal::model::webhook::WebhookFormat::Email,
            target: gilgal::model::webhook::WebhookTarget::Mailbox(to.parse().unwrap()),
            events: Some(vec!["deployment.failed".parse().unwrap()]),
        },
    );
    format!("/api/webhooks/{}", webhook.await.unwrap().0.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_sent_once_and_a_mailbox_that_is_none_is_refused() {
    let mut setting = Setting::new().await;
    let mail = MailServer::start();
    // Without one it would be refused.
    setting.server.notifications.mailer = Some(mail.mailer());
    let create = async |to: &str| mailbox(&setting, to).await;
    let (ops, nobody) = (create("ops@example.com").await, create("nobody@example.com").await);
    assert_eq!(setting.ada.get(&ops).await.expect(200)["to"], "ops@example.com");
    let _telling = setting.tell(Duration::from_hours(1), Some(mail.mailer()));
    setting.deploy_and_fail().await;
    let log = setting.log(&ops, |log| log.len() == 1 && all_have_ended(log)).await;
    assert_eq!((&log[0]["response_status"], &log[0]["attempts"]), (&json!(250), &json!(1)));
    let message = mail.messages().remove(0);
    for part in [
        "MAIL FROM:<gilgal@apps.test>",
        "RCPT TO:<ops@example.com>",
        "Subject: shop:production: deployment failed",
        "From: Gilgal <gilgal@apps.test>",
        "Auto-Submitted: auto-generated",
        &format!("Message-ID: <{}@apps.test>", log[0]["id"].as_str().unwrap()),
        "npm ci failed with exit code 1.",
        "http://shop.apps.test:8080",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    let refused = setting.log(&nobody, |log| log.len() == 1 && all_have_ended(log)).await;
    assert_eq!((&refused[0]["status"], &refused[0]["attempts"]), (&json!("failed"), &json!(5)));
    let error = refused[0]["error"].as_str().unwrap();
    assert!(
        error.starts_with("The mail server did not take it: ") && error.contains("no such mailbox"),
        "{error}"
    );
    assert_eq!(mail.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_not_sent_as_much_as_somebody_likes() {
    let mut setting = Setting::new().await;
    let mail = MailServer::start();
    setting.server.notifications.mailer = Some(mail.mailer());
    let (victim, ops) =
        (mailbox(&setting, "victim@example.com").await, mailbox(&setting, "ops@example.com").await);
    let test = async |path: &str| setting.ada.post(&format!("{path}/test"), json!({})).await;
    let told = test(&victim).await.expect(202);
    for _ in 1..5 {
        test(&victim).await.expect(202);
    }
    let refused = test(&victim).await;
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(refused.refusal(429), "rate_limited");
    assert!((1..=60).contains(&wait), "{wait}");
    let again = format!("{victim}/deliveries/{}/redeliver", told["id"].as_str().unwrap());
    for _ in 5..33 {
        setting.ada.post(&again, json!({})).await.expect(202);
    }
    let _telling = setting.tell(Duration::from_hours(1), Some(mail.mailer()));
    let waits = |log: &[Value]| log.iter().any(|delivery| delivery["error"] != Value::Null);
    let log = setting.log(&victim, waits).await;
    let waiting = log.iter().find(|delivery| delivery["error"] != Value::Null).unwrap();
    assert_eq!(waiting["status"], "pending");
    assert_eq!(
        waiting["error"],
        "It waits: the owner of a project has one mailbox sent at most 30 messages an hour."
    );
    assert_eq!(mail.messages().len(), 30);
    // Another one has room.
    test(&ops).await.expect(202);
    setting.log(&ops, |log| log.len() == 1 && all_have_ended(log)).await;
}
