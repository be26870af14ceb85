//! The session of a build: a connection over which BuildKit asks back while it builds.
//!
//! BuildKit refuses to fetch a base image without one. bollard's `build_image` opens one, too, but never closes it: each
//! build would leave a connection and a task behind, here and in the engine, and would serve no secrets. A session of our
//! own ends with its build.

use super::secrets::BuildSecrets;
use bollard::Docker;
use bollard::health::health_server::{Health, HealthServer};
use bollard::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use futures_util::stream;
use std::io;
use std::net::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Longest answer to the request for a session; it has a few headers and no body.
const LONGEST_ANSWER: usize = 8 * 1024;

/// An open session. Dropping it closes its connection.
pub(super) struct Session {
    /// What the build names it by.
    pub(super) id: String,
    /// A second handle on the connection that the session's server reads.
    socket: std::os::unix::net::UnixStream,
}

impl Session {
    /// Opens a session with the engine at a Unix socket, in which the build finds its secrets.
    ///
    /// # Errors
    /// When the engine cannot be reached or does not switch to HTTP/2, which every engine with BuildKit does.
    pub(super) async fn open(socket_path: &str, secrets: BuildSecrets) -> io::Result<Self> {
        let id = Uuid::now_v7().to_string();
        let mut stream = UnixStream::connect(socket_path).await?;
        stream.write_all(request(&id).as_bytes()).await?;
        let answer = read_answer(&mut stream).await?;
        if !answer.starts_with("HTTP/1.1 101") {
            let status = answer.lines().next().unwrap_or_default();
            return Err(io::Error::other(format!("a session was answered with \"{status}\"")));
        }
        let stream = stream.into_std()?;
        let socket = stream.try_clone()?;
        let incoming = stream::iter([UnixStream::from_std(stream)]);
        let server = tonic::transport::Server::builder()
            .add_service(HealthServer::new(Alive))
            .add_service(SecretsServer::new(secrets));
        tokio::spawn(async move {
            if let Err(error) = server.serve_with_incoming(incoming).await {
                // The build that needs it fails with BuildKit's own words.
                tracing::debug!(%error, "a build session ended");
            }
        });
        Ok(Self { id, socket })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have been closed by the engine, which is as well.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// The request that turns a connection into a session (moby's `api/server/router/session`): the two sides then speak
/// HTTP/2 with us as the server. Every method that is served has a header.
fn request(id: &str) -> String {
    format!(
        "POST /session HTTP/1.1\r\n\
         Host: docker\r\n\
         Connection: Upgrade\r\n\
         Upgrade: h2c\r\n\
         Content-Length: 0\r\n\
         X-Docker-Expose-Session-Uuid: {id}\r\n\
         X-Docker-Expose-Session-Name: gilgal\r\n\
         X-Docker-Expose-Session-Grpc-Method: /grpc.health.v1.Health/Check\r\n\
         X-Docker-Expose-Session-Grpc-Method: /moby.buildkit.secrets.v1.Secrets/GetSecret\r\n\
         \r\n"
    )
}

/// Reads the head of the answer and nothing behind it, which is already HTTP/2.
async fn read_answer(stream: &mut UnixStream) -> io::Result<String> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < LONGEST_ANSWER {
        answer.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Says that the session lives: BuildKit asks every few seconds and gives up without an answer.
struct Alive;

#[tonic::async_trait]
impl Health for Alive {
    type WatchStream = stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        /// `SERVING` in grpc's `health.proto`.
        const SERVING: i32 = 1;
        Ok(Response::new(HealthCheckResponse { status: SERVING }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("list"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("watch"))
    }
}

/// A client whose builds are BuildKit's. bollard insists on opening the session of such a build itself, so it is told
/// that they are the old builder's.
pub(super) fn buildkit(docker: &Docker) -> Docker {
    docker.clone().with_request_modifier(|mut request| {
        // `&` is encoded inside of values: this is the parameter and nothing else.
        let uri = request.uri().to_string().replacen("&version=1", "&version=2", 1);
        if let Ok(uri) = uri.parse() {
            *request.uri_mut() = uri;
        }
        request
    })
}
