//! Registries that behave as real ones only do when they are broken or hostile.

use super::*;
use crate::outbound::Guard;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// base64 of `ada:canary`.
const TOLD: &str = "authorization: basic ywrhomnhbmfyeq==";
const BASIC: &str = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"test\"";

/// A request: its method, its path, and its headers in small letters.
type Asked = (String, String, String);

/// Something that answers over HTTP until the test ends.
struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// `answer` gives the status, and perhaps headers behind it.
    fn start(answer: impl Fn(&Asked) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let noting = asked.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = read(&stream) else { continue };
                let head = format!(
                    "HTTP/1.1 {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    answer(&request)
                );
                noting.lock().unwrap().push(request);
                stream.write_all(head.as_bytes()).ok();
            }
        });
        Self { address, asked }
    }

    /// Methods and paths, with `!` where somebody's password was told.
    fn asked(&self) -> Vec<String> {
        let told = |headers: &str| if headers.contains(TOLD) { "!" } else { "" };
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(method, path, headers)| format!("{method} {path}{}", told(headers))).collect()
    }
}

/// A request to its end.
fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut headers = String::new();
    while reader.read_line(&mut headers).ok()? > "\r\n".len() {}
    let headers = headers.to_ascii_lowercase();
    if headers.contains("transfer-encoding: chunked") {
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\n\r\n") {
            body.push(reader.by_ref().bytes().next()?.ok()?);
        }
    } else if let Some((_, length)) = headers.split_once("content-length: ") {
        let length = length.lines().next()?.parse().ok()?;
        reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    }
    let mut words = first.split(' ');
    Some((words.next()?.to_owned(), words.next()?.to_owned(), headers))
}

/// What the engine gives of an image with one layer, whole or cut off in the middle of it.
fn archive(is_whole: bool) -> Archive {
    let mut archive = tar::Builder::new(Vec::new());
    let manifest = br#"[{"Config":"config.json","Layers":["a/layer.tar"]}]"#;
    let layer = [b'x'; 4096];
    let entries: [(&str, &[u8]); 3] =
        [("a/layer.tar", &layer), ("config.json", b"{}"), ("manifest.json", manifest)];
    for (path, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).unwrap();
    }
    let bytes = archive.into_inner().unwrap();
    let pieces = if is_whole {
        vec![Ok(bytes.into())]
    } else {
        vec![Ok(Bytes::copy_from_slice(&bytes[..2048])), Err(io::Error::other("no space left on device"))]
    };
    Box::pin(futures_util::stream::iter(pieces))
}

async fn push(registry: &Fake, archive: Archive) -> Result<String, RegistryError> {
    let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let registries = Registries::new(&Outbound { guard, schemes: vec![Scheme::Https] });
    let password = crate::model::secret::Secret::new("canary".to_owned());
    let credentials = Some(RegistryCredentials { username: "ada".to_owned(), password });
    let names = vec![format!("{}/ada/shop:live", registry.address).parse().unwrap()];
    registries.push(ImageUpload { names, credentials, archive }).await
}

/// How a registry answers that takes everything, with uploads at `place`.
fn taking(place: &str, (method, path, headers): &Asked) -> String {
    match method.as_str() {
        _ if !headers.contains(TOLD) => BASIC.to_owned(),
        "HEAD" => "404 Not Found".to_owned(),
        "POST" => format!("202 Accepted\r\nLocation: {place}"),
        "PATCH" => format!("202 Accepted\r\nLocation: {path}"),
        _ => "201 Created".to_owned(),
    }
}

#[tokio::test]
async fn a_host_to_which_a_registry_leads_is_not_told_who_asks() {
    let other = Fake::start(|(method, ..)| match method.as_str() {
        "PATCH" => "202 Accepted\r\nLocation: more".to_owned(),
        _ => BASIC.to_owned(),
    });
    let place = format!("http://{}/uploads/1", other.address);
    let registry = Fake::start(move |asked| taking(&place, asked));
    let error = push(&registry, archive(true)).await.unwrap_err();
    assert!(error.to_string().contains("it answers 401"), "{error}");
    let asked = other.asked();
    assert_eq!(asked[0], "PATCH /uploads/1");
    // Where it leads is of its own host, and so is what comes of a relative path.
    assert!(asked[1].starts_with("PUT /uploads/more?digest=sha256%3A"), "{asked:?}");
    assert_eq!(asked.len(), 2, "nothing else is asked there: {asked:?}");
    assert!(registry.asked().iter().any(|asked| asked.ends_with('!')), "the registry itself is told");
}

#[tokio::test]
async fn what_passes_is_told_from_what_stays() {
    for (status, passes) in [
        ("500 Internal Server Error", true),
        ("503 Service Unavailable", true),
        ("429 Too Many Requests", true),
        ("408 Request Timeout", true),
        ("401 Unauthorized", true),
        ("400 Bad Request", false),
        ("403 Forbidden", false),
        ("413 Payload Too Large", false),
    ] {
        let registry = Fake::start(move |asked| match asked.0.as_str() {
            "PATCH" => status.to_owned(),
            _ => taking("/v2/ada/shop/blobs/uploads/1", asked),
        });
        let error = push(&registry, archive(true)).await.unwrap_err();
        assert_eq!(error.is_passing(), passes, "{status}: {error}");
        let asked = registry.asked();
        assert_eq!(asked.last().unwrap(), "DELETE /v2/ada/shop/blobs/uploads/1!", "{asked:?}");
    }
    let gone = Fake { address: "127.0.0.1:1".to_owned(), asked: Arc::default() };
    assert!(push(&gone, archive(true)).await.unwrap_err().is_passing());
}

#[tokio::test]
async fn an_engine_that_fails_is_no_failure_of_the_registry() {
    let registry = Fake::start(|asked| taking("/v2/ada/shop/blobs/uploads/1", asked));
    let error = push(&registry, archive(false)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "The image cannot be read from the Docker Engine: no space left on device."
    );
    let asked = registry.asked();
    assert!(asked.last().unwrap().starts_with("DELETE "), "what has come is not wanted: {asked:?}");
    let registry = Fake::start(|asked| taking("/v2/ada/shop/blobs/uploads/1", asked));
    push(&registry, archive(true)).await.unwrap();
}
