//! What deliveries may take of memory before anybody has proved anything.

use crate::hooks::connected_to;
use crate::support::TestServer;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MIB: usize = 1024 * 1024;

/// Begins a delivery to a hook that there is not, and sends all of it but its last byte.
fn begun(server: &TestServer, mib: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.anonymous().address()).unwrap();
    let head = format!(
        "POST /webhooks/github/{} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        uuid::Uuid::nil(),
        mib * MIB
    );
    stream.write_all(head.as_bytes()).unwrap();
    // One that is refused is not read to its end.
    stream.write_all(&vec![b'x'; mib * MIB - 1]).ok();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_at_once_has_a_bound() {
    let server = TestServer::start().await;
    let (_ada, hook) = connected_to(&server, "github").await;
    // One more than there is room for: whichever is read last.
    let mut held: Vec<TcpStream> = (0..13).map(|_| begun(&server, 5)).collect();
    let mut answer = [0; 12];
    let begin = Instant::now();
    let refused = loop {
        assert!(begin.elapsed() < Duration::from_secs(25), "everything was taken");
        let answered = held.iter_mut().position(|stream| {
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            stream.read_exact(&mut answer).is_ok()
        });
        if let Some(answered) = answered {
            break answered;
        }
    };
    assert_eq!(&answer, b"HTTP/1.1 503");
    held.remove(refused);
    // A small one has room beside those.
    hook.github("ping", "1", "{}").await.expect(200);
    for stream in &mut held {
        stream.set_read_timeout(None).unwrap();
        stream.write_all(b"x").unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 404");
    }
    let mut again = begun(&server, 5);
    again.write_all(b"x").unwrap();
    again.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
}
