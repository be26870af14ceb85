//! The last good table on disk, so that a restarted server serves before anybody is asked anything.

use crate::model::route::Route;
use crate::router::handle::{Phase, Shared};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// Raised when what is written can no longer be read by older servers.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Snapshot {
    version: u32,
    routes: Vec<Route>,
}

/// Fills the table from the snapshot, if there is one. What cannot be read is moved aside and reported.
pub(super) async fn restore(shared: &Shared) {
    let Some(path) = shared.options.snapshot_path.clone() else { return };
    let loaded = off_thread(move || load(&path)).await;
    match loaded {
        Ok(routes) => {
            tracing::debug!(routes = routes.len(), "the router has its last table back");
            // Nothing was there before, so nothing has to be drained.
            let _ = shared.change(|table| table.replaced(routes));
        }
        Err(error) => tracing::warn!(%error, "the router starts without its last table"),
    }
}

/// Writes the table after every change until the router has stopped, the last change included. Changes during a write
/// make one more write. Without a change nothing is written: a snapshot that could not be read is not overwritten.
pub(super) async fn keep_written(shared: &Shared, mut changes: watch::Receiver<()>) {
    let Some(path) = &shared.options.snapshot_path else { return };
    loop {
        tokio::select! {
            _ = changes.changed() => write(shared, path).await,
            () = shared.reached(Phase::Stopped) => break,
        }
    }
    if changes.has_changed().unwrap_or_default() {
        write(shared, path).await;
    }
}

/// Writes the table as it is now. Failing to is reported and has no other consequence: the table in memory is in force.
async fn write(shared: &Shared, path: &Path) {
    let (path, routes) = (path.to_owned(), shared.table.load().routes());
    if let Err(error) = off_thread(move || save(&path, routes)).await {
        tracing::error!(%error, "the router's table could not be written to disk");
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

fn load(path: &Path) -> io::Result<Vec<Route>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let parsed = serde_json::from_slice::<Snapshot>(&bytes).map_err(io::Error::from);
    match parsed {
        Ok(Snapshot { version: VERSION, routes }) => Ok(routes),
        Ok(Snapshot { version, .. }) => {
            set_aside(path, &format!("it has version {version}, this server knows {VERSION}"))
        }
        Err(error) => set_aside(path, &error.to_string()),
    }
}

/// Keeps a snapshot that cannot be used for whoever wants to know why.
fn set_aside(path: &Path, reason: &str) -> io::Result<Vec<Route>> {
    let aside = beside(path, "corrupt");
    fs::rename(path, &aside)?;
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("{reason}; kept as {}", aside.display())))
}

/// Whoever reads the file sees the old table or the new one, whatever happens in between.
fn save(path: &Path, routes: Vec<Route>) -> io::Result<()> {
    let bytes = serde_json::to_vec(&Snapshot { version: VERSION, routes })?;
    let temporary = beside(path, "new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// `table.json` → `table.json.new`, in the same folder, so that renaming it is atomic.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}
