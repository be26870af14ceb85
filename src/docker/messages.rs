//! The messages of a long answer: what is built, pulled, or happens.

use bollard::errors::Error;
use futures_util::{Stream, StreamExt};

/// What tokio-util's `FramedRead` says when an answer has ended in the middle of a message.
const LEFT_OVER: &str = "bytes remaining on stream";

/// The same messages up to the end of the answer.
///
/// The engine ends a message with a carriage return and a newline. Where these arrive in a piece of their own, bollard
/// (0.21, `JsonLineDecoder`) has given the message already, keeps the carriage return, and calls the end of the answer
/// an error. An answer that was really cut off is another error: it lacks the last chunk of HTTP.
pub fn to_the_end<T>(messages: impl Stream<Item = Result<T, Error>>) -> impl Stream<Item = Result<T, Error>> {
    messages.take_while(|message| std::future::ready(!message.as_ref().is_err_and(is_left_over)))
}

fn is_left_over(error: &Error) -> bool {
    matches!(error, Error::IOError { err } if err.to_string() == LEFT_OVER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::query_parameters::EventsOptions;
    use bollard::{API_DEFAULT_VERSION, Docker};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Two events, of which the second ends in a chunk of its own, as an engine that is busy sends it; then `end`.
    async fn events(end: &'static [u8]) -> Vec<Result<Option<String>, Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let engine = async {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4096];
            assert_ne!(connection.read(&mut request).await.expect("a request"), 0);
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            connection.write_all(head.as_bytes()).await.expect("written");
            for message in ["{\"Action\":\"start\"}\r\n", "{\"Action\":\"die\"}", "\r\n"] {
                let chunk = format!("{:x}\r\n{message}\r\n", message.len());
                connection.write_all(chunk.as_bytes()).await.expect("written");
                // Long enough for the other side to read them one by one.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            connection.write_all(end).await.expect("written");
        };
        let docker = Docker::connect_with_http(&format!("http://{address}"), 5, API_DEFAULT_VERSION)
            .expect("a client");
        let messages =
            to_the_end(docker.events(None::<EventsOptions>)).map(|message| message.map(|event| event.action));
        tokio::join!(engine, messages.collect()).1
    }

    #[tokio::test]
    async fn an_end_of_line_that_comes_by_itself_is_no_error() {
        let found = events(b"0\r\n\r\n").await;
        let found: Vec<_> = found.into_iter().map(|message| message.expect("a message")).collect();
        assert_eq!(found, [Some("start".to_owned()), Some("die".to_owned())]);
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_one() {
        let found = events(b"").await;
        assert!(matches!(found.last(), Some(Err(error)) if !is_left_over(error)), "{found:?}");
    }
}
