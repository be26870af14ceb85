//! The API of a provider on a port of its own, which can be told to answer otherwise.

use crate::provider_api::{Kept, ProviderApi};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

impl ProviderApi {
    /// Serves it on an address of this machine until the test ends.
    pub(crate) fn serve(&self, address: &str) -> SocketAddr {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let api = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let api = api.clone();
                thread::spawn(move || api.converse(stream.unwrap()));
            }
        });
        address
    }

    /// Answers the next request whose path contains a text otherwise.
    pub(crate) fn answer(&self, part: &str, status: u16, body: Value) {
        self.kept.lock().unwrap().answers.push_back((part.to_owned(), status, body));
    }

    /// Puts comments there that somebody else has written.
    pub(crate) fn comment(&self, text: &str) {
        let kept = &mut self.kept.lock().unwrap();
        let id = kept.comments.len() + 1;
        kept.comments.push(json!({ "id": id, "body": text }));
    }

    pub(crate) fn comments(&self) -> Vec<String> {
        let texts = |kept: &Kept| -> Vec<String> {
            kept.comments.iter().map(|one| one["body"].as_str().unwrap().to_owned()).collect()
        };
        texts(&self.kept.lock().unwrap())
    }

    fn converse(&self, stream: TcpStream) {
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        while let Some((first, headers, body)) = read(&mut reader) {
            let mut words = first.split_whitespace();
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let authorization = headers.get("authorization").map(String::as_str);
            let answer = self.take((method, path, query), authorization, &body);
            let (status, answer) = answer.unwrap_or((404, "{}".to_owned()));
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len());
            if writer.write_all(format!("{head}{answer}").as_bytes()).is_err() {
                return;
            }
        }
    }
}

type Head = (String, BTreeMap<String, String>, Vec<u8>);

fn read(reader: &mut BufReader<TcpStream>) -> Option<Head> {
    let mut first = String::new();
    if !matches!(reader.read_line(&mut first), Ok(1..)) {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, headers, body))
}
