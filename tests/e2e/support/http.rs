//! Requests to the API and, through the router, to the apps.

use reqwest::{Client, Method};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Runtime;

/// An HTTP client with the thread that it runs on.
pub(crate) struct Http {
    runtime: Runtime,
    client: Client,
}

/// An answer, read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// When to come again, in seconds.
    pub(crate) retry_after: Option<u64>,
}

impl Answer {
    /// The body as JSON, after checking the status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        if self.body.is_empty() { Value::Null } else { serde_json::from_str(&self.body).unwrap() }
    }
}

impl Http {
    pub(crate) fn new() -> Self {
        // Between two requests nobody looks at a connection that is kept, and the server closes it after some seconds.
        Self::keeping_at_most(0)
    }

    /// A client that keeps so many connections without a request.
    fn keeping_at_most(connections: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30));
        let client = client.pool_max_idle_per_host(connections).build().unwrap();
        Self { runtime, client }
    }

    /// A request to the API.
    pub(crate) fn api(
        &self,
        address: SocketAddr,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("http://{address}{path}")).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).unwrap()
    }

    /// `GET` for an app, which the router tells by its host name. An error: nothing answered.
    pub(crate) fn app(&self, router: SocketAddr, host: &str, path: &str) -> reqwest::Result<Answer> {
        self.send(self.client.get(format!("http://{router}{path}")).header("host", host))
    }

    /// A request to the API with an archive in it.
    pub(crate) fn upload(&self, address: SocketAddr, path: &str, token: &str, archive: Vec<u8>) -> Answer {
        let request = self.client.post(format!("http://{address}{path}")).bearer_auth(token);
        self.send(request.header("content-type", "application/gzip").body(archive)).unwrap()
    }

    /// A request to the API as a provider of repositories sends it.
    pub(crate) fn deliver(
        &self,
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request =
            self.client.post(format!("http://{address}{path}")).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body)).unwrap()
    }

    fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        self.runtime.block_on(async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let retry_after = response.headers().get("retry-after");
            let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
            Ok(Answer { status, body: response.text().await?, retry_after })
        })
    }
}

/// Requests to one app, one after the other, until they are stopped.
pub(crate) struct RequestLoop {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Result<Answer, String>>>,
}

/// Time between two requests of a loop.
const PAUSE: Duration = Duration::from_millis(5);

impl RequestLoop {
    /// Each over a connection of its own.
    pub(crate) fn start(router: SocketAddr, host: &str) -> Self {
        Self::with(Http::new, router, host)
    }

    /// All over one connection, for as long as the server keeps it.
    pub(crate) fn keeping_connections(router: SocketAddr, host: &str) -> Self {
        Self::with(|| Http::keeping_at_most(1), router, host)
    }

    fn with(http: impl FnOnce() -> Http + Send + 'static, router: SocketAddr, host: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, host) = (stop.clone(), host.to_owned());
        let thread = thread::spawn(move || {
            let http = http();
            let mut answers = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                answers.push(http.app(router, &host, "/").map_err(|error| format!("{error:?}")));
                thread::sleep(PAUSE);
            }
            answers
        });
        Self { stop, thread }
    }

    /// Every answer in its order.
    pub(crate) fn finish(self) -> Vec<Result<Answer, String>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
