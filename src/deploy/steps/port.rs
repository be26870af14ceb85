//! Why an instance cannot be reached, told by where it listens.

use crate::deploy::failure::Failure;
use std::net::SocketAddr;

/// What is wrong with the addresses that an instance listens on, where it was told to listen on `port`; `None` when it
/// can be reached there.
pub(super) fn unreachable(name: &str, port: u16, listening: &[SocketAddr]) -> Option<Failure> {
    let on_port: Vec<&SocketAddr> = listening.iter().filter(|listens| listens.port() == port).collect();
    if on_port.iter().any(|listens| !listens.ip().is_loopback()) {
        return None;
    }
    Some(if let Some(local) = on_port.first() {
        let sentence = format!("{name} listens on {local}, where only the app itself can reach it.");
        Failure::new("not healthy", sentence)
            .advise(format!("Listen on 0.0.0.0:{port}, or on the port in the variable PORT."))
    } else if listening.is_empty() {
        Failure::new("not healthy", format!("{name} runs, but listens on no port."))
            .advise(format!("Listen on 0.0.0.0 and the port in the variable PORT, which is {port} here."))
    } else {
        let ports: Vec<String> = listening.iter().map(ToString::to_string).collect();
        let sentence = format!("{name} listens on {}, and not on port {port}.", ports.join(" and "));
        Failure::new("not healthy", sentence)
            .advise(format!("Listen on the port in the variable PORT, which is {port} here."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(listening: &[&str]) -> Option<String> {
        let listening: Vec<SocketAddr> = listening.iter().map(|address| address.parse().unwrap()).collect();
        unreachable("web.1", 3000, &listening).map(|failure| failure.sentence)
    }

    #[test]
    fn a_port_is_to_blame_only_where_it_cannot_be_reached() {
        for reached in [&["0.0.0.0:3000"][..], &["[::]:3000"], &["127.0.0.1:3000", "172.17.0.2:3000"]] {
            assert_eq!(said(reached), None, "{reached:?}");
        }
        assert_eq!(said(&[]).unwrap(), "web.1 runs, but listens on no port.");
        assert_eq!(
            said(&["0.0.0.0:4000", "127.0.0.1:9229"]).unwrap(),
            "web.1 listens on 0.0.0.0:4000 and 127.0.0.1:9229, and not on port 3000."
        );
        for local in ["127.0.0.1:3000", "[::1]:3000"] {
            let sentence = format!("web.1 listens on {local}, where only the app itself can reach it.");
            assert_eq!(said(&["0.0.0.0:4000", local]).unwrap(), sentence);
        }
    }
}
