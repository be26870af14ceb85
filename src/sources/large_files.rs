//! Files that Git LFS keeps elsewhere: asked for in one request, then downloaded and compared with their ids
//! (<https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>, …`basic-transfers.md`).
//!
//! The credential is sent to the host of the repository and to no other: for where a file is, the answer says what to send.

use super::OpenCredential;
use crate::model::large_file::LargeFile;
use crate::model::repository_url::{RepositoryUrl, Scheme};
use crate::outbound::{self, Clients, Outbound};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;

const JSON: &str = "application/vnd.git-lfs+json";
/// Files that are asked for at once: the protocol's advice.
pub const MOST_AT_ONCE: usize = 100;
/// Bytes of an answer that are read.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// How long a connection, and each part of an answer, may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Times between two questions for what is not to be had for the moment.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// Characters of what a host says that are told.
const LONGEST_MESSAGE: usize = 200;

/// What asks hosts for large files.
#[derive(Clone)]
pub struct LargeFiles {
    outbound: Outbound,
    clients: Clients,
}

/// Why a large file is not here: a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum LargeFileError {
    #[error("{0} wants to know who asks for files of Git LFS, or does not give them to them.")]
    CredentialsRefused(String),
    #[error("{0} keeps no files of Git LFS for this repository, or it is private.")]
    None(String),
    #[error("The file {oid} of Git LFS is not to be had: {reason}.")]
    NotThere { oid: String, reason: String },
    #[error("What was sent as the file {0} of Git LFS is another one.")]
    Another(String),
    #[error("Files of Git LFS cannot be fetched. {0}")]
    Unanswered(String),
    #[error("The host that keeps the file {oid} of Git LFS does not send it: it answers {status}.")]
    NotSent { oid: String, status: u16 },
    #[error("The server cannot write the files of Git LFS.")]
    Io(#[from] io::Error),
}

/// Where a large file is.
#[derive(Debug)]
pub struct Place {
    pub file: LargeFile,
    url: Url,
    headers: HeaderMap,
}

#[derive(Serialize)]
struct Batch<'a> {
    operation: &'static str,
    transfers: [&'static str; 1],
    hash_algo: &'static str,
    objects: Vec<Asked<'a>>,
}

#[derive(Serialize)]
struct Asked<'a> {
    oid: &'a str,
    size: u64,
}

#[derive(Deserialize)]
struct Answer {
    objects: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    oid: String,
    #[serde(default)]
    actions: Actions,
    error: Option<Refused>,
}

#[derive(Default, Deserialize)]
struct Actions {
    download: Option<Download>,
}

#[derive(Deserialize)]
struct Download {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Refused {
    message: String,
}

impl LargeFiles {
    /// What asks hosts that may be reached.
    #[must_use]
    pub fn new(outbound: &Outbound) -> Self {
        let patient =
            Clients::new(&outbound.guard, |client| client.connect_timeout(PATIENCE).read_timeout(PATIENCE));
        Self { outbound: outbound.clone(), clients: patient }
    }

    /// The URL under which the files of a repository are asked for: over HTTPS where that is reached over SSH.
    #[must_use]
    pub fn server(url: &RepositoryUrl) -> Option<RepositoryUrl> {
        let text = match url.scheme() {
            Scheme::Https | Scheme::Http => url.as_str().trim_end_matches('/').to_owned(),
            Scheme::Ssh => format!("https://{}/{}", url.host(), url.name()),
        };
        let text = text.strip_suffix(".git").unwrap_or(&text);
        format!("{text}.git/info/lfs").parse().ok()
    }

    /// Asks where files are, [`MOST_AT_ONCE`] of them at most.
    ///
    /// # Errors
    /// When one of them is not to be had, or nobody answers.
    pub async fn places(
        &self,
        server: &RepositoryUrl,
        credential: Option<&OpenCredential>,
        files: &[LargeFile],
    ) -> Result<Vec<Place>, LargeFileError> {
        let host = server.host().to_owned();
        let objects = files.iter().map(|file| Asked { oid: file.oid(), size: file.size() }).collect();
        let batch = Batch { operation: "download", transfers: ["basic"], hash_algo: "sha256", objects };
        let url = url(&format!("{server}/objects/batch"))?;
        let mut request = self.client(&url)?.post(url).header(ACCEPT, JSON).header(CONTENT_TYPE, JSON);
        if let Some(OpenCredential { username, password }) = credential {
            request = request.basic_auth(username, Some(password.expose()));
        }
        let body = serde_json::to_string(&batch).map_err(io::Error::from)?;
        let response = send(request.body(body)).await?;
        match response.status().as_u16() {
            200..=299 => {}
            401 | 403 => return Err(LargeFileError::CredentialsRefused(host)),
            404 | 410 | 501 => return Err(LargeFileError::None(host)),
            status => return Err(LargeFileError::Unanswered(format!("{host} answers {status}."))),
        }
        let answer: Answer = serde_json::from_slice(&read(response).await?).map_err(|error| {
            LargeFileError::Unanswered(format!("What {host} answers cannot be read: {error}."))
        })?;
        let mut answered: BTreeMap<String, Answered> =
            answer.objects.into_iter().map(|object| (object.oid.clone(), object)).collect();
        files.iter().map(|file| place(file, answered.remove(file.oid()))).collect()
    }

    /// Downloads a file and compares it with its id.
    ///
    /// # Errors
    /// When it is another one, or nobody answers; what was written so far is there.
    pub async fn download(&self, place: &Place, into: &Path) -> Result<(), LargeFileError> {
        let Place { file, url, headers } = place;
        let client = self.client(url)?;
        let mut pauses = PAUSES.into_iter();
        let mut response = loop {
            let response = send(client.get(url.clone()).headers(headers.clone())).await?;
            let (status, oid) = (response.status().as_u16(), file.oid().to_owned());
            match (status, pauses.next()) {
                (200..=299, _) => break response,
                (429 | 500..=599, Some(pause)) => tokio::time::sleep(pause).await,
                (404 | 410, _) => {
                    let reason = format!("the host answers {status}");
                    return Err(LargeFileError::NotThere { oid, reason });
                }
                (status, _) => return Err(LargeFileError::NotSent { oid, status }),
            }
        };
        let mut arriving = OpenOptions::new().write(true).create_new(true).mode(0o600).open(into).await?;
        let (mut digest, mut size) = (Sha256::new(), 0_u64);
        let another = || LargeFileError::Another(file.oid().to_owned());
        while let Some(piece) = response.chunk().await.map_err(unanswered)? {
            size = size.saturating_add(piece.len() as u64);
            if size > file.size() {
                return Err(another());
            }
            digest.update(&piece);
            arriving.write_all(&piece).await?;
        }
        arriving.flush().await?;
        if size == file.size() && hex::encode(digest.finalize()) == file.oid() {
            Ok(())
        } else {
            Err(another())
        }
    }

    /// What connects to a URL, if it may be connected to.
    fn client(&self, url: &Url) -> Result<&Client, LargeFileError> {
        let refused = |sentence: String| LargeFileError::Unanswered(sentence);
        let scheme = url.scheme().parse::<Scheme>().ok().filter(|scheme| *scheme != Scheme::Ssh);
        let scheme = scheme.ok_or_else(|| refused(format!("They are kept at {}://….", url.scheme())))?;
        self.outbound.check_scheme(scheme).map_err(|error| refused(error.to_string()))?;
        self.clients.of(url).map_err(refused)
    }
}

/// Where a file is, from what was answered.
fn place(file: &LargeFile, answered: Option<Answered>) -> Result<Place, LargeFileError> {
    let missing = |reason: &str| {
        let reason = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE);
        LargeFileError::NotThere { oid: file.oid().to_owned(), reason: reason.collect() }
    };
    let Some(answered) = answered else { return Err(missing("the host says nothing of it")) };
    if let Some(Refused { message }) = answered.error {
        return Err(missing(message.trim_end_matches('.')));
    }
    let download = answered.actions.download.ok_or_else(|| missing("the host does not say where it is"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &download.header {
        let header = (name.parse::<HeaderName>().ok(), HeaderValue::from_str(value).ok());
        let (Some(name), Some(mut value)) = header else { return Err(missing("a header cannot be sent")) };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(Place { file: file.clone(), url: url(&download.href)?, headers })
}

fn url(text: &str) -> Result<Url, LargeFileError> {
    text.parse().map_err(|_| LargeFileError::Unanswered("They are kept at what is no URL.".to_owned()))
}

fn unanswered(error: reqwest::Error) -> LargeFileError {
    LargeFileError::Unanswered(outbound::failure(error).replace("The receiver", "The host"))
}

async fn send(request: RequestBuilder) -> Result<Response, LargeFileError> {
    request.send().await.map_err(unanswered)
}

async fn read(mut response: Response) -> Result<Vec<u8>, LargeFileError> {
    let mut read = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unanswered)? {
        read.extend_from_slice(&piece);
        if read.len() > LONGEST_ANSWER {
            return Err(LargeFileError::Unanswered("The host answers more than is read.".to_owned()));
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
