//! Clients for URLs that an answer names, of which nobody knows where they lead.

use super::Guard;
use super::http::{client, failure};
use reqwest::{Client, ClientBuilder, Url};
use std::net::IpAddr;

/// What connects to URLs of `https`, and of `http` where the operator names the address.
#[derive(Debug, Clone)]
pub struct Clients {
    guard: Guard,
    /// A sentence where none can be made.
    over_tls: Result<Client, String>,
    plain: Result<Client, String>,
}

impl Clients {
    /// Clients with more settings of their own.
    pub fn new(guard: &Guard, set: impl Fn(ClientBuilder) -> ClientBuilder) -> Self {
        let client = |is_plain| set(client(guard, is_plain)).build().map_err(failure);
        Self { guard: guard.clone(), over_tls: client(false), plain: client(true) }
    }

    /// What connects to a URL.
    ///
    /// # Errors
    /// A sentence, when it may not be connected to.
    pub fn of(&self, url: &Url) -> Result<&Client, String> {
        let is_plain = match url.scheme() {
            "https" => false,
            "http" => true,
            other => return Err(format!("{other}:// is neither https nor http, and is not connected to.")),
        };
        // An address is not looked up, so that it is judged here.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let address = host.parse::<IpAddr>().ok();
        if address.is_some_and(|address| !self.guard.admits_over(is_plain, address)) {
            return Err(format!("{host} is no address of the internet, and is not connected to."));
        }
        let client = if is_plain { &self.plain } else { &self.over_tls };
        client.as_ref().map_err(Clone::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_schemes_are_judged_wherever_an_answer_leads() {
        let clients = Clients::new(&Guard::default(), |builder| builder);
        for refused in [
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://169.254.169.254/x",
            "http://10.0.0.1/x",
            "http://1.1.1.1/x",
            "file:///etc/passwd",
            "ssh://h.example/x",
        ] {
            assert!(clients.of(&refused.parse().unwrap()).is_err(), "{refused}");
        }
        assert!(clients.of(&"https://h.example/x".parse().unwrap()).is_ok());
    }
}
