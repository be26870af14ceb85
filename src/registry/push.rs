//! Layers first, then what the image is made of, then its names.

use super::archive::{self, Arriving, Blob, Layer, Part};
use super::session::Session;
use super::{Archive, ImageUpload, Registries, RegistryError};
use crate::model::image::ImageName;
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{Body, Method, Url};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Pieces of an archive that may wait to be taken apart.
const PIECES_AHEAD: usize = 8;
/// Layers whose digest is remembered.
const MOST_KNOWN: usize = 4096;
/// How long the end of an upload that has failed may take.
const PATIENCE_WITH_AN_END: Duration = Duration::from_secs(5);
/// Links that may lead from one layer to the next.
const MOST_LINKS: usize = 8;

/// What `manifest.json` says of an image (the Docker Image Specification 1.2).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    config: String,
    layers: Vec<String>,
}

/// What has come of an archive.
#[derive(Default)]
struct Taken {
    documents: HashMap<String, Vec<u8>>,
    links: HashMap<String, String>,
    layers: HashMap<String, Blob>,
}

impl Registries {
    /// Pushes an image under all of its names, and answers with its digest. Dropping the future ends the push.
    ///
    /// # Errors
    /// When it is not taken: under none of its names, or not under the later ones.
    pub async fn push(&self, upload: ImageUpload) -> Result<String, RegistryError> {
        let ImageUpload { names, credentials, archive } = upload;
        let Some(image) = names.first() else { return Ok(String::new()) };
        let mut session = Session::open(self, image, credentials).await?;
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let (parts_sender, parts) = mpsc::channel(1);
        let arriving = Arriving { pieces, piece: Bytes::new() };
        let unpacking = spawn_blocking(move || archive::unpack(arriving, &parts_sender));
        let taken = tokio::select! {
            taken = self.take(&mut session, parts, unpacking) => taken?,
            never = hand_over(archive, sender) => match never {},
        };
        session.name(&taken, &names).await
    }

    /// Pushes the layers of an archive as they come.
    async fn take(
        &self,
        session: &mut Session<'_>,
        mut parts: mpsc::Receiver<Part>,
        unpacking: JoinHandle<io::Result<()>>,
    ) -> Result<Taken, RegistryError> {
        let mut taken = Taken::default();
        while let Some(part) = parts.recv().await {
            match part {
                Part::Document { path, bytes } => drop(taken.documents.insert(path, bytes)),
                Part::Link { path, target } => drop(taken.links.insert(path, target)),
                Part::Layer(layer) => {
                    let path = layer.path.clone();
                    match self.layer(session, layer).await {
                        Ok(blob) => drop(taken.layers.insert(path, blob)),
                        // Whoever reads the archive knows why.
                        Err(RegistryError::NotRead { .. }) => break,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        let unpacked = unpacking.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        unpacked.map_err(|error| not_read(&error.to_string()))?;
        Ok(taken)
    }

    async fn layer(&self, session: &mut Session<'_>, layer: Layer) -> Result<Blob, RegistryError> {
        let Layer { path, is_wanted, pieces, blob } = layer;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
        if let Some(known) = known
            && session.has(&known).await?
        {
            // Whoever reads the archive says itself what is wrong with it.
            let _ = is_wanted.send(false);
            return Ok(known);
        }
        let _ = is_wanted.send(true);
        let pieces = ReceiverStream::new(pieces).map(Ok::<_, Infallible>);
        let blob = session.upload(Body::wrap_stream(pieces), blob).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(path, blob.clone());
        Ok(blob)
    }
}

impl Session<'_> {
    /// Whether the repository has something already.
    async fn has(&mut self, blob: &Blob) -> Result<bool, RegistryError> {
        let url = self.url(&format!("blobs/{}", blob.digest))?;
        let status = self.ask(Method::HEAD, &url, None).await?.status();
        // Where it is kept elsewhere, the registry says where.
        Ok(status.is_success() || status.is_redirection())
    }

    /// Uploads something whose digest is known once it has been sent.
    async fn upload(&mut self, body: Body, blob: oneshot::Receiver<Blob>) -> Result<Blob, RegistryError> {
        let begun = self.ask(Method::POST, &self.url("blobs/uploads/")?, None).await?;
        let place = self.location(&self.well(begun).await?)?;
        let uploaded = self.upload_to(&place, body, blob).await;
        if uploaded.is_err() {
            self.end_upload(&place).await;
        }
        uploaded
    }

    async fn upload_to(
        &mut self,
        place: &Url,
        body: Body,
        blob: oneshot::Receiver<Blob>,
    ) -> Result<Blob, RegistryError> {
        let sent = self.stream(place, body).await?;
        let mut place = self.location(&self.well(sent).await?)?;
        let blob = blob.await.map_err(|_| not_read("a layer ends too early"))?;
        place.query_pairs_mut().append_pair("digest", &blob.digest);
        let ended = self.ask(Method::PUT, &place, None).await?;
        self.well(ended).await?;
        Ok(blob)
    }

    /// Tells the registry that nothing more comes; one that does not hear it forgets what has come in time.
    async fn end_upload(&mut self, place: &Url) {
        if self.is_of_the_registry(place) {
            let ended = self.ask(Method::DELETE, place, None);
            let _ = tokio::time::timeout(PATIENCE_WITH_AN_END, ended).await;
        }
    }

    /// Uploads what the image is made of and gives it its names.
    async fn name(&mut self, taken: &Taken, names: &[ImageName]) -> Result<String, RegistryError> {
        let (config, layers) = taken.image()?;
        let config_blob = Blob { media_type: CONFIG, digest: digest(config), size: config.len() as u64 };
        if !self.has(&config_blob).await? {
            let (sender, blob) = oneshot::channel();
            // It is received below.
            let _ = sender.send(config_blob.clone());
            self.upload(config.clone().into(), blob).await?;
        }
        let descriptor =
            |blob: &Blob| json!({ "mediaType": blob.media_type, "digest": blob.digest, "size": blob.size });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(&config_blob),
            "layers": layers.into_iter().map(descriptor).collect::<Vec<_>>(),
        })
        .to_string();
        for name in names {
            let url = self.url(&format!("manifests/{}", name.version()))?;
            let answer = self.ask(Method::PUT, &url, Some((MANIFEST, manifest.clone()))).await?;
            self.well(answer).await?;
        }
        Ok(digest(manifest.as_bytes()))
    }
}

impl Taken {
    /// The configuration and the layers of the one image that has come.
    fn image(&self) -> Result<(&Vec<u8>, Vec<&Blob>), RegistryError> {
        let described = self.documents.get("manifest.json").ok_or_else(|| not_read("no manifest"))?;
        let described: Vec<Described> =
            serde_json::from_slice(described).map_err(|error| not_read(&error.to_string()))?;
        let [Described { config, layers }] = described.as_slice() else {
            return Err(not_read("not one image"));
        };
        let config = self.documents.get(config).ok_or_else(|| not_read("no configuration"))?;
        let layers: Option<Vec<&Blob>> = layers.iter().map(|path| self.layer(path)).collect();
        Ok((config, layers.ok_or_else(|| not_read("a layer is missing"))?))
    }

    fn layer(&self, path: &str) -> Option<&Blob> {
        let mut path = path;
        for _ in 0..MOST_LINKS {
            match self.links.get(path) {
                Some(target) => path = target,
                None => break,
            }
        }
        self.layers.get(path)
    }
}

fn not_read(reason: &str) -> RegistryError {
    RegistryError::NotRead { reason: reason.to_owned() }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Hands an archive over as it comes; who waits for what becomes of it does not wait for this.
async fn hand_over(mut archive: Archive, pieces: mpsc::Sender<io::Result<Bytes>>) -> Infallible {
    while let Some(piece) = archive.next().await {
        if pieces.send(piece).await.is_err() {
            break;
        }
    }
    drop((archive, pieces));
    std::future::pending().await
}
