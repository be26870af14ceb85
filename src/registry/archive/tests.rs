//! Archives as engines make them, whole and cut off.

use super::*;
use flate2::read::GzDecoder;

/// An archive of files and links.
fn archive(entries: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, *content).unwrap();
    }
    for (path, target) in links {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, path, target).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Everything in it, with the layers that are wanted.
fn parts(archive: Vec<u8>, wanted: bool) -> (Vec<String>, Vec<(Vec<u8>, Blob)>) {
    let (sender, mut receiver) = mpsc::channel(1);
    let unpacking = std::thread::spawn(move || unpack(archive.as_slice(), &sender));
    let (mut seen, mut layers) = (Vec::new(), Vec::new());
    while let Some(part) = receiver.blocking_recv() {
        match part {
            Part::Document { path, bytes } => seen.push(format!("{path} {}", bytes.len())),
            Part::Link { path, target } => seen.push(format!("{path} -> {target}")),
            Part::Layer(mut layer) => {
                seen.push(layer.path);
                layer.is_wanted.send(wanted).unwrap();
                let mut content = Vec::new();
                while let Some(piece) = layer.pieces.blocking_recv() {
                    content.extend_from_slice(&piece);
                }
                layers.extend(layer.blob.blocking_recv().ok().map(|blob| (content, blob)));
            }
        }
    }
    unpacking.join().unwrap().unwrap();
    (seen, layers)
}

#[test]
fn layers_come_compressed_and_documents_as_they_are() {
    let content = b"a layer".repeat(50_000);
    let entries: [(&str, &[u8]); 3] =
        [("a1/json", b"{}"), ("a1/layer.tar", &content), ("manifest.json", b"[]")];
    let links = [("b2/layer.tar", "../a1/layer.tar")];
    let (seen, layers) = parts(archive(&entries, &links), true);
    assert_eq!(seen, ["a1/json 2", "a1/layer.tar", "manifest.json 2", "b2/layer.tar -> a1/layer.tar"]);
    let (sent, blob) = &layers[0];
    assert_eq!(
        (blob.size, blob.media_type),
        (sent.len() as u64, "application/vnd.oci.image.layer.v1.tar+gzip")
    );
    assert_eq!(blob.digest, format!("sha256:{}", hex::encode(Sha256::digest(sent))));
    let mut read = Vec::new();
    GzDecoder::new(sent.as_slice()).read_to_end(&mut read).unwrap();
    assert!(read == content);
    // The same each time: what a registry has is found again.
    assert_eq!(parts(archive(&entries, &links), true).1, layers);
    let (seen, layers) = parts(archive(&entries, &links), false);
    assert_eq!((seen.len(), layers.len()), (4, 0));
}

#[test]
fn a_layer_whose_first_file_has_an_odd_name_is_a_layer() {
    let layer = archive(&[("{x}", b"content")], &[]);
    let entries: [(&str, &[u8]); 2] = [("blobs/sha256/1", &layer), ("blobs/sha256/2", b"{\"config\": 1}")];
    let (seen, layers) = parts(archive(&entries, &[]), true);
    assert_eq!((seen, layers.len()), (vec!["blobs/sha256/1".to_owned(), "blobs/sha256/2 13".to_owned()], 1));
}

#[test]
fn what_is_compressed_already_stays_as_it_is() {
    let zstd = [ZSTD, b"rest"].concat();
    let gzip = [GZIP, b"rest"].concat();
    let entries: [(&str, &[u8]); 4] = [
        ("blobs/sha256/1", &zstd),
        ("blobs/sha256/2", &gzip),
        ("blobs/sha256/3", b"{\"config\": 1}"),
        ("blobs/sha256/4", b"x"),
    ];
    let (seen, layers) = parts(archive(&entries, &[]), true);
    assert_eq!(seen[2], "blobs/sha256/3 13");
    assert_eq!((&layers[0].0, &layers[1].0), (&zstd, &gzip));
    assert!(layers[0].1.media_type.ends_with("+zstd") && layers[1].1.media_type.ends_with("+gzip"));
    assert!(layers[2].0.starts_with(GZIP));
}

#[test]
fn what_is_too_long_or_leads_outside_is_refused() {
    let (sender, _receiver) = mpsc::channel(8);
    let long = vec![b' '; 5 << 20];
    assert!(unpack(archive(&[("manifest.json", &long)], &[]).as_slice(), &sender).is_err());
    assert!(unpack(archive(&[], &[("a/layer.tar", "../../b")]).as_slice(), &sender).is_err());
    let cut = archive(&[("a/layer.tar", &long)], &[]);
    let (sender, mut receiver) = mpsc::channel(8);
    let unpacking = std::thread::spawn(move || unpack(&cut[..cut.len() / 2], &sender));
    let Some(Part::Layer(mut layer)) = receiver.blocking_recv() else { panic!("no layer") };
    layer.is_wanted.send(true).unwrap();
    while layer.pieces.blocking_recv().is_some() {}
    assert!(layer.blob.blocking_recv().is_err(), "half of a layer is none");
    assert!(unpacking.join().unwrap().is_err());
}
