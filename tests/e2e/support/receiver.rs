//! Receivers of log drains.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What takes connections on a port of its own until the test ends.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    messages: Arc<Mutex<Vec<String>>>,
    /// Whether what comes is read.
    reads: Arc<AtomicBool>,
    refusals: Arc<Mutex<VecDeque<u16>>>,
    /// The certificate that it is known by, in PEM.
    pub(crate) certificate: Option<String>,
}

impl Receiver {
    /// Takes syslog messages (RFC 6587 §3.4.1) in plain text.
    pub(crate) fn syslog() -> Self {
        Self::with(None, read_messages)
    }

    /// One that takes connections and reads nothing until it is told to.
    pub(crate) fn stalled() -> Self {
        let receiver = Self::syslog();
        receiver.reads.store(false, Ordering::SeqCst);
        receiver
    }

    /// Takes syslog messages over TLS, as `localhost`, with a certificate that nobody knows.
    pub(crate) fn syslog_over_tls() -> Self {
        Self::over_tls(read_messages)
    }

    fn over_tls(
        take: impl Fn(StreamOwned<ServerConnection, TcpStream>, &Shared) + Clone + Send + 'static,
    ) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        Self::with(Some(cert.pem()), move |stream, receiver| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            take(StreamOwned::new(connection, stream), receiver);
        })
    }

    /// Takes requests, and keeps their `Authorization` and each line of their bodies.
    pub(crate) fn http() -> Self {
        Self::with(None, read_requests)
    }

    /// The same over TLS, as `localhost`, with a certificate that nobody knows.
    pub(crate) fn https() -> Self {
        Self::over_tls(read_requests)
    }

    /// Answers the next requests with these statuses, and keeps nothing of them.
    pub(crate) fn refuse(&self, statuses: &[u16]) {
        self.refusals.lock().unwrap().extend(statuses);
    }

    /// Statuses of [`Receiver::refuse`] that are left.
    pub(crate) fn refusals_left(&self) -> usize {
        self.refusals.lock().unwrap().len()
    }

    fn with(certificate: Option<String>, take: impl Fn(TcpStream, &Shared) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            messages: Arc::default(),
            reads: Arc::new(AtomicBool::new(true)),
            refusals: Arc::default(),
        };
        let Shared { messages, reads, refusals } = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (take, shared) = (take.clone(), shared.clone());
                thread::spawn(move || take(stream.unwrap(), &shared));
            }
        });
        Self { address, messages, reads, refusals, certificate }
    }

    /// Everything that came.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }

    /// Begins to read.
    pub(crate) fn read(&self) {
        self.reads.store(true, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Shared {
    messages: Arc<Mutex<Vec<String>>>,
    reads: Arc<AtomicBool>,
    refusals: Arc<Mutex<VecDeque<u16>>>,
}

fn read_messages(stream: impl Read, shared: &Shared) {
    let mut stream = BufReader::new(stream);
    loop {
        while !shared.reads.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        let mut length = Vec::new();
        if !matches!(stream.read_until(b' ', &mut length), Ok(1..)) {
            return;
        }
        let length: usize = String::from_utf8(length).unwrap().trim_end().parse().unwrap();
        let mut message = vec![0; length];
        // A sender that is stopped may end in the middle of one.
        if stream.read_exact(&mut message).is_err() {
            return;
        }
        shared.messages.lock().unwrap().push(String::from_utf8(message).unwrap());
    }
}

fn read_requests(stream: impl Read + Write, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut head) = (0, Vec::new());
        loop {
            let mut line = String::new();
            if !matches!(reader.read_line(&mut line), Ok(1..)) {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            head.push(line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        if let Some(status) = shared.refusals.lock().unwrap().pop_front() {
            let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            continue;
        }
        let mut messages = shared.messages.lock().unwrap();
        messages.extend(head.into_iter().filter(|line| line.starts_with("authorization")));
        messages.extend(String::from_utf8(body).unwrap().lines().map(str::to_owned));
        drop(messages);
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}
