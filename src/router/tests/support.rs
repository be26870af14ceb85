//! A router on a free port, apps to put behind it, and a client that sends bytes as they are written.

use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::instance::InstanceId;
use crate::model::route::{Route, RouteTarget, Standing};
use crate::router::{Router, RouterHandle, RouterOptions, Stopped};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

pub(super) const LOCAL: &str = "127.0.0.1:0";
pub(super) const HOST: &str = "shop.example.com";

/// A router that serves until it is stopped or dropped.
pub(super) struct TestRouter {
    pub(super) address: SocketAddr,
    pub(super) handle: RouterHandle,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Stopped>,
}

impl TestRouter {
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut RouterOptions)) -> Self {
        let mut options = RouterOptions::new(LOCAL.parse().unwrap());
        change(&mut options);
        let bound = Router::bind(options).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let (address, handle) = (bound.local_addr(), bound.handle());
        let serving = tokio::spawn(bound.serve(async {
            let _ = stopped.await;
        }));
        Self { address, handle, stop, serving }
    }

    /// A router with one route: [`HOST`] leads to `addresses`.
    pub(super) async fn leading_to(addresses: &[SocketAddr]) -> Self {
        let router = Self::start().await;
        let _ = router.handle.set_route(route(EnvironmentId::generate(), addresses));
        router
    }

    pub(super) async fn stop(self) -> Stopped {
        let _ = self.stop.send(());
        self.serving.await.unwrap()
    }

    /// Sends bytes on a new connection and returns everything that comes back.
    pub(super) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    /// The answer to a plain GET of `/`.
    pub(super) async fn get(&self) -> String {
        self.raw(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")).await
    }
}

/// A route of an environment to instances at these addresses, with [`HOST`] as its name.
pub(super) fn route(environment_id: EnvironmentId, addresses: &[SocketAddr]) -> Route {
    let target = |address: &SocketAddr| RouteTarget {
        instance_id: InstanceId(format!("instance-{}", address.port())),
        address: *address,
    };
    Route {
        environment_id,
        deployment_id: DeploymentId::generate(),
        hosts: vec![HOST.to_owned()],
        standing: Standing::Open,
        error_page: None,
        sticky: false,
        targets: addresses.iter().map(target).collect(),
    }
}

/// An app. Dropping it stops it at once: connections break, the port refuses.
pub(super) struct App {
    pub(super) address: SocketAddr,
    pub(super) connections: Arc<AtomicUsize>,
    pub(super) requests: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl App {
    /// An app that answers with hyper.
    pub(super) async fn answering<F, B>(
        answer: impl Fn(Request<Incoming>) -> F + Send + Clone + 'static,
    ) -> Self
    where
        F: Future<Output = Response<B>> + Send + 'static,
        B: http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let requests = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&requests);
        let mut app = Self::listening(move |stream| {
            let (answer, seen) = (answer.clone(), Arc::clone(&seen));
            async move {
                let service = service_fn(move |request| {
                    seen.fetch_add(1, Ordering::SeqCst);
                    let answer = answer(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                let _ = connection.with_upgrades().await;
            }
        })
        .await;
        app.requests = requests;
        app
    }

    /// An app that says its name.
    pub(super) async fn named(name: &'static str) -> Self {
        Self::answering(move |_| async move { Response::new(Full::new(Bytes::from(name))) }).await
    }

    /// An app that does with its connections what it wants.
    pub(super) async fn listening<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let serving = tokio::spawn(async move {
            let mut tasks = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                tasks.spawn(serve(stream));
            }
        });
        Self { address, connections, requests: Arc::default(), serving }
    }
}

/// An address on which nothing listens.
pub(super) async fn dead_address() -> SocketAddr {
    TcpListener::bind(LOCAL).await.unwrap().local_addr().unwrap()
}

/// Reads a head, up to its empty line, and nothing after it.
pub(super) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match within_seconds(stream.read_u8()).await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Reads until the other side closes.
pub(super) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _ = within_seconds(stream.read_to_end(&mut all)).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// Fails the test instead of hanging it.
pub(super) async fn within_seconds<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("nothing happened for 20 seconds")
}

/// Waits until something is so.
pub(super) async fn until(condition: impl Fn() -> bool) {
    within_seconds(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
