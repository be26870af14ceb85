//! The callbacks of one SSH connection. They run in the session's own task, so they translate and return at once.

use super::front::{Front, KeyCheck};
use super::one_off::terminal_size;
use super::output::{Output, Screen};
use super::request::Request;
use super::session::Caller;
use super::{greeting, session};
use crate::git::GitProtocol;
use russh::keys::ssh_key::{HashAlg, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// Channels that one connection may have open, those with a running command among them: each may be a process of git.
const MAX_CHANNELS: usize = 16;

/// One client's connection.
pub(super) struct Connection {
    front: Arc<Front>,
    peer: SocketAddr,
    /// Fingerprint of the key that has signed.
    fingerprint: Option<String>,
    keys: Keys,
    /// Those that have not said yet what they are for.
    channels: HashMap<ChannelId, OpenChannel>,
    logged_in: watch::Sender<bool>,
    /// How many commands are running.
    running: watch::Sender<usize>,
}

struct OpenChannel {
    channel: Channel<Msg>,
    protocol: Option<GitProtocol>,
    screen: Screen,
}

/// Whether keys can be checked at all, as far as this connection has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Checked,
    /// The database was away when one was to be checked.
    NotChecked,
    /// The same, and the client was told before it began.
    NotCheckedAndTold,
}

impl Connection {
    pub(super) fn new(
        front: Arc<Front>,
        peer: SocketAddr,
        logged_in: watch::Sender<bool>,
        running: watch::Sender<usize>,
    ) -> Self {
        Self {
            front,
            peer,
            fingerprint: None,
            keys: Keys::Checked,
            channels: HashMap::new(),
            logged_in,
            running,
        }
    }

    async fn check_key(&mut self, key: &PublicKey) -> Option<String> {
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        match self.front.check_key(&fingerprint).await {
            KeyCheck::Known => Some(fingerprint),
            KeyCheck::Unknown => None,
            KeyCheck::CannotTell => {
                if self.keys == Keys::Checked {
                    self.keys = Keys::NotChecked;
                }
                None
            }
        }
    }

    /// Runs what the client asks for on a task of its own.
    fn run(&mut self, id: ChannelId, line: &[u8], session: &mut Session) -> Result<(), russh::Error> {
        let (Some(open), Some(fingerprint)) = (self.channels.remove(&id), self.fingerprint.clone()) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let OpenChannel { channel, protocol, screen } = open;
        let caller = Caller { fingerprint, peer: self.peer, protocol };
        let (read, write) = channel.split();
        let output = Output { write, screen };
        let (front, request, running) = (self.front.clone(), Request::parse(line), self.running.clone());
        running.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            session::run(&front, &caller, request, read, output).await;
            running.send_modify(|count| *count -= 1);
        });
        Ok(())
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    /// A client that waits for its keys to be checked in vain is told why: in the banner, since that reaches those too who
    /// have told their ssh to ask nothing.
    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        if self.front.can_check_keys().await {
            return Ok(None);
        }
        self.keys = Keys::NotCheckedAndTold;
        Ok(Some(format!("{}\n", greeting::CANNOT_CHECK)))
    }

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(if self.check_key(offer.public_key).await.is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, _user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.fingerprint = self.check_key(key.public_key).await;
        if self.fingerprint.is_none() {
            return Ok(Auth::reject());
        }
        self.logged_in.send_replace(true);
        Ok(Auth::Accept)
    }

    /// Never accepts anybody. OpenSSH comes here when every key was refused, and shows the sentence.
    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        Ok(match response {
            None => Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(match self.keys {
                    Keys::Checked => greeting::UNKNOWN_KEY,
                    Keys::NotChecked => greeting::CANNOT_CHECK,
                    Keys::NotCheckedAndTold => "",
                }),
                prompts: Cow::Borrowed(&[]),
            },
            // What is left to the client is a method that it has tried: it gives up instead of asking again.
            Some(_) => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[MethodKind::PublicKey][..])),
                partial_success: false,
            },
        })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.channels.len() + *self.running.borrow() >= MAX_CHANNELS {
            return Ok(()); // Dropping the handle refuses the channel.
        }
        self.channels.insert(channel.id(), OpenChannel { channel, protocol: None, screen: Screen::Unknown });
        reply.accept().await;
        Ok(())
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let protocol = if name == "GIT_PROTOCOL" { value.parse().ok() } else { None };
        match (self.channels.get_mut(&id), protocol) {
            (Some(open), Some(protocol)) => {
                open.protocol = Some(protocol);
                session.channel_success(id)
            }
            _ => session.channel_failure(id),
        }
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.channels.get_mut(&id) {
            Some(open) => {
                open.screen = Screen::of_type(term, terminal_size(columns, rows));
                session.channel_success(id)
            }
            None => session.channel_failure(id),
        }
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.run(id, session::GREET, session)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.run(id, data, session)
    }

    /// There are no subsystems. A client that is not answered would wait for ever.
    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn channel_close(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&id);
        Ok(())
    }
}
