//! Listening sockets that outlive the server, as systemd holds them.

use command_fds::{CommandFdExt, FdMapping};
use std::net::TcpListener;
use std::process::Command;

/// The names that the server knows, in the order of its addresses.
const NAMES: &str = "ssh:api:http";
/// The first descriptor that is handed over (`sd_listen_fds(3)`).
const FIRST: i32 = 3;

pub(crate) struct HeldSockets([TcpListener; 3]);

impl HeldSockets {
    /// Three sockets on free ports of this machine.
    pub(crate) fn open() -> Self {
        Self([(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap()))
    }

    /// Hands them over to a program that is about to be started.
    pub(crate) fn pass_to(&self, command: &mut Command) {
        let mapping = |(index, listener): (i32, &TcpListener)| FdMapping {
            parent_fd: listener.try_clone().unwrap().into(),
            child_fd: FIRST + index,
        };
        command.fd_mappings((0..).zip(&self.0).map(mapping).collect()).unwrap();
        command.env("LISTEN_FDS", self.0.len().to_string()).env("LISTEN_FDNAMES", NAMES);
    }
}
