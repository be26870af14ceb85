//! The router alone, for `scripts/bench hosts`: `router 127.0.0.1:8000 127.0.0.1:9000 10000 FILE` sends `page.localhost` to
//! what listens at the second address, and knows as many other hosts. Prints in how many seconds it has read its table from
//! FILE, and in how many it changes it.

use gilgal::model::id::{DeploymentId, EnvironmentId};
use gilgal::model::instance::InstanceId;
use gilgal::model::route::{Route, RouteTarget, Standing};
use gilgal::router::{Router, RouterOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Instant;

fn route(host: String, target: SocketAddr) -> Route {
    Route {
        environment_id: EnvironmentId::generate(),
        deployment_id: DeploymentId::generate(),
        hosts: vec![host.clone()],
        standing: Standing::Open,
        error_page: None,
        sticky: false,
        targets: vec![RouteTarget { instance_id: InstanceId(host), address: target }],
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, target, others, snapshot] = arguments.as_slice() else {
        return Err("router ADDRESS TARGET OTHERS FILE".into());
    };
    let (target, others): (SocketAddr, usize) = (target.parse()?, others.parse()?);
    let page = route("page.localhost".to_owned(), target);
    let routes: Vec<Route> = (0..others)
        .map(|number| route(format!("app-{number}.localhost"), target))
        .chain([page.clone()])
        .collect();
    std::fs::write(snapshot, serde_json::to_vec(&serde_json::json!({ "version": 1, "routes": routes }))?)?;
    drop(routes);

    let begun = Instant::now();
    let options =
        RouterOptions { snapshot_path: Some(snapshot.into()), ..RouterOptions::new(address.parse()?) };
    let bound = Router::bind(options).await?;
    let read = begun.elapsed();
    let begun = Instant::now();
    drop(bound.handle().set_route(page));
    writeln!(std::io::stdout(), "{:.4} {:.4}", read.as_secs_f64(), begun.elapsed().as_secs_f64())?;
    bound.serve(std::future::pending()).await;
    Ok(())
}
