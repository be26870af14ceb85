//! Which ports an instance listens on, read from the kernel's table of its network.

use super::Shared;
use super::failure::is_gone;
use crate::docker::Lines;
use crate::engine::EngineError;
use crate::model::instance::InstanceId;
use bollard::Docker;
use bollard::exec::{CreateExecOptions, StartExecResults};
use futures_util::StreamExt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Docker's own name server, which listens inside every instance.
const DOCKER_DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// State of a listening socket in `/proc/net/tcp` (`TCP_LISTEN` in the kernel's `net/tcp_states.h`).
const LISTEN: &str = "0A";

impl Shared {
    pub(super) async fn listening_ports(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, EngineError> {
        let docker = self.client().await?;
        let found = match docker.inspect_container(&id.0, None).await {
            Ok(found) => found,
            Err(error) if is_gone(&error) => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("look at an instance", &error)),
        };
        let pid = found.state.and_then(|state| state.pid).filter(|pid| *pid > 0);
        let Some(pid) = pid else { return Ok(Vec::new()) };
        let table = match read_from_host(pid, &id.0).await {
            Some(table) => table,
            None => read_from_inside(&docker, id).await.unwrap_or_default(),
        };
        Ok(listening(&table))
    }
}

/// The tables by way of the host's `/proc`. `None` where the process cannot be seen, as from inside a container, or the
/// number is another process's there.
async fn read_from_host(pid: i64, container_id: &str) -> Option<String> {
    let read = async |file: &str| tokio::fs::read_to_string(format!("/proc/{pid}/{file}")).await.ok();
    read("cgroup").await.filter(|groups| groups.contains(container_id))?;
    Some(read("net/tcp").await? + &read("net/tcp6").await.unwrap_or_default())
}

/// The tables by way of a command in the instance; needs its image to have `cat`.
async fn read_from_inside(docker: &Docker, id: &InstanceId) -> Option<String> {
    let command = CreateExecOptions {
        cmd: Some(vec!["cat", "/proc/net/tcp", "/proc/net/tcp6"]),
        attach_stdout: Some(true),
        ..CreateExecOptions::default()
    };
    let command = docker.create_exec(&id.0, command).await.ok()?;
    let StartExecResults::Attached { mut output, .. } = docker.start_exec(&command.id, None).await.ok()?
    else {
        return None;
    };
    let (mut lines, mut table) = (Lines::default(), Vec::new());
    while let Some(Ok(piece)) = output.next().await {
        table.extend(lines.push(&piece.into_bytes()));
    }
    Some(table.join("\n"))
}

/// The addresses of the listening sockets in the text of `/proc/net/tcp` and `/proc/net/tcp6` (`proc_pid_net(5)`).
fn listening(table: &str) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> = table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            let (_slot, local, _remote, state) =
                (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
            (state == LISTEN).then(|| socket_address(local)).flatten()
        })
        .filter(|address| address.ip() != DOCKER_DNS)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// `0100007F:1F90` is 127.0.0.1:8080: the address in words of the machine's byte order, the port as a number.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut octets = Vec::with_capacity(16);
    for start in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(start..start + 8)?, 16).ok()?;
        octets.extend(word.to_ne_bytes());
    }
    let ip = match octets.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn listening_sockets_are_read_from_the_kernels_table() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0B00007F:9C41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 020011AC:0BB8 010011AC:D431 01 00000000:00000000 00:00000000 00000000     0        0 4 1
   0: 00000000000000000000000000000000:1388 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 5 1
   1: 00000000000000000000000001000000:1389 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 6 1
";
        let found: Vec<String> = listening(table).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["0.0.0.0:3000", "127.0.0.1:8080", "[::]:5000", "[::1]:5001"]);
    }

    #[test]
    fn rubbish_is_no_address() {
        for text in ["", "x", "0100007F", "0100007:1F90", "zz00007F:1F90", "0100007F:FFFFF"] {
            assert_eq!(socket_address(text), None, "{text}");
        }
    }
}
