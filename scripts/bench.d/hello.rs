//! The least that a server of warp can do, for `scripts/bench api` to compare the API with: `hello 127.0.0.1:8000`.

use std::net::SocketAddr;
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address: SocketAddr = std::env::args().nth(1).ok_or("hello ADDRESS")?.parse()?;
    let hello = warp::path::end().map(|| "hello");
    warp::serve(hello).run(address).await;
    Ok(())
}
