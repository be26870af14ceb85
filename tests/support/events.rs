//! Receivers of webhooks.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request that has come.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// By their names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// What takes requests on a port of its own until the test ends.
pub(crate) struct EventReceiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    taken: Vec<Taken>,
    /// What the next requests are answered; then each is taken.
    answers: VecDeque<String>,
}

impl EventReceiver {
    /// Takes requests on an address of this machine.
    pub(crate) fn on(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), shared: Arc::default() };
        let shared = Arc::clone(&receiver.shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        receiver
    }

    /// Answers the next requests with a status and headers, each a line: `500 Away`.
    pub(crate) fn answer(&self, heads: &[&str]) {
        self.shared.lock().unwrap().answers.extend(heads.iter().map(|head| (*head).to_owned()));
    }

    /// Everything that came.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.lock().unwrap().taken.clone()
    }
}

fn serve(stream: TcpStream, shared: &Mutex<Shared>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(taken) = read(&mut reader) {
        let answer = {
            let mut shared = shared.lock().unwrap();
            shared.taken.push(taken);
            shared.answers.pop_front().unwrap_or_else(|| "200 OK".to_owned())
        };
        // One that says nothing for ever.
        if answer.is_empty() {
            loop {
                thread::park();
            }
        }
        let body = "x".repeat(3000);
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Taken> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if !matches!(reader.read_line(&mut line), Ok(1..)) {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_ascii_lowercase(), value.to_owned())),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Taken { headers, body: String::from_utf8(body).unwrap() })
}
