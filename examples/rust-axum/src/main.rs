//! A web server in Axum, which ends when it is told to.

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080);
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let app = Router::new().route("/", get("Hello from Axum\n"));
    let terminated = async move {
        terminate.recv().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(terminated).await
}
