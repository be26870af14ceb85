//! Archives of people who mean well, and of others.

use crate::git::UnpackingTurn;
use crate::git::commit::Authorship;
use crate::git::{Refused, Repositories, Repository, UploadError};
use crate::model::id::ProjectId;
use crate::model::name::CommitId;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::Arc;
use tar::{Builder, EntryType, Header};
use tokio::sync::Semaphore;

/// An entry: kind, path, target of a link, content.
type Given<'a> = (EntryType, &'a str, &'a str, &'a [u8]);

const FILE: EntryType = EntryType::Regular;
/// Bytes of an archive.
const LIMIT: u64 = 4 * 1024 * 1024;

/// The head of an entry, whatever its names are.
fn head(kind: EntryType, path: &[u8], target: &[u8], size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    let fields = header.as_ustar_mut().unwrap();
    fields.name[..path.len()].copy_from_slice(path);
    fields.linkname[..target.len()].copy_from_slice(target);
    header.set_cksum();
    header
}

fn tar(entries: &[Given<'_>]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (kind, path, target, content) in entries {
        let header = head(*kind, path.as_bytes(), target.as_bytes(), content.len() as u64);
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(bytes).unwrap();
    compressed.finish().unwrap()
}

struct Fixture {
    folder: tempfile::TempDir,
    repositories: Repositories,
    project: ProjectId,
    repository: Repository,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (repositories, project) = (Repositories::new(folder.path().to_owned()), ProjectId::generate());
        let repository = repositories.open_or_create(project).unwrap();
        Self { folder, repositories, project, repository }
    }

    async fn upload(&self, bytes: &[u8], strip: bool) -> Result<CommitId, UploadError> {
        let mut upload = self.repositories.begin_upload(self.project, LIMIT).await?;
        for piece in bytes.chunks(1000) {
            upload.write(piece).await?;
        }
        let authorship = Authorship {
            name: "ada".to_owned(),
            email: "ada@example.com".to_owned(),
            message: "Uploaded".to_owned(),
        };
        let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let turn = UnpackingTurn { most_bytes: u64::MAX, permit };
        upload.commit(self.repository.clone(), strip, authorship, turn).await
    }

    /// Every file of a commit: mode, path and content.
    fn files(&self, commit: &CommitId) -> Vec<String> {
        let git = self.repository.git2().unwrap();
        let tree = git.find_commit(commit.as_str().parse().unwrap()).unwrap().tree().unwrap();
        let mut files = Vec::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if let Ok(blob) = git.find_blob(entry.id()) {
                let content = String::from_utf8_lossy(blob.content()).into_owned();
                files.push(format!("{:o} {folder}{} {content}", entry.filemode(), entry.name().unwrap()));
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        files
    }
}

async fn refusal(bytes: &[u8], strip: bool) -> String {
    let fixture = Fixture::new();
    let error = fixture.upload(bytes, strip).await.unwrap_err();
    assert!(matches!(error, UploadError::Refused(_)), "{error:?}");
    let git = fixture.repository.git2().unwrap();
    let objects = git.odb().unwrap();
    let mut count = 0;
    objects
        .foreach(|_| {
            count += 1;
            true
        })
        .unwrap();
    assert_eq!(count, 0, "nothing is stored of what is refused");
    let left: Vec<_> = std::fs::read_dir(fixture.folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "the archive itself is gone");
    error.to_string()
}

#[tokio::test]
async fn folders_count_as_entries_do() {
    let mut archive = tar::Builder::new(Vec::new());
    let deep = "a/".repeat(190);
    for number in 0..1_100 {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        archive.append_data(&mut header, format!("{number}/{deep}x"), &b""[..]).unwrap();
    }
    let said = refusal(&archive.into_inner().unwrap(), false).await;
    assert!(said.contains("more than 200000 files and folders"), "{said}");
}

#[tokio::test]
async fn an_archive_becomes_a_commit() {
    let fixture = Fixture::new();
    let bytes = tar(&[
        (EntryType::Directory, "./", "", b""),
        (FILE, "./index.js", "", b"one"),
        (EntryType::Directory, "lib/", "", b""),
        (FILE, "lib//./a.js", "", b"a"),
        (FILE, "index.js", "", b"two"),
        (EntryType::Symlink, "link", "/etc/passwd", b""),
        (EntryType::Link, "copy.js", "./lib/a.js", b""),
        (FILE, ".git/config", "", b"[core] hooksPath = /tmp"),
        (FILE, "lib/.GIT/hooks/post-checkout", "", b"id"),
        (FILE, ".github/x", "", b"x"),
    ]);
    let wanted = [
        "100644 .github/x x",
        "100644 copy.js a",
        "100644 index.js two",
        "100644 lib/a.js a",
        "120000 link /etc/passwd",
    ];
    let plain = fixture.upload(&bytes, false).await.unwrap();
    assert_eq!(fixture.files(&plain), wanted);
    // In two members, as from `cat a.gz b.gz`.
    let (begin, end) = bytes.split_at(700);
    let compressed = fixture.upload(&[gzip(begin), gzip(end)].concat(), false).await.unwrap();
    assert_eq!(fixture.files(&compressed), wanted);

    let git = fixture.repository.git2().unwrap();
    let commit = git.find_commit(plain.as_str().parse().unwrap()).unwrap();
    assert_eq!(commit.author().email().unwrap(), "ada@example.com");
    assert_eq!((commit.committer().name().unwrap(), commit.message().unwrap()), ("gilgal", "Uploaded"));
    assert_eq!(commit.parent_count(), 0);
    assert_eq!(fixture.repository.count_references(1).unwrap(), 0);
}

#[tokio::test]
async fn long_names_and_rights_are_kept() {
    let fixture = Fixture::new();
    let long = format!("{}/{}.sh", "d".repeat(90), "n".repeat(90));
    let mut archive = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o4755);
    archive.append_data(&mut header, &long, &b"x"[..]).unwrap();
    let pax = format!("{} path={long}\n", long.len() + 10);
    archive.append(&head(EntryType::XHeader, b"pax", b"", pax.len() as u64), pax.as_bytes()).unwrap();
    archive.append(&head(FILE, b"short", b"", 1), &b"y"[..]).unwrap();
    let global = "52 comment=0123456789012345678901234567890123456789\n";
    archive
        .append(
            &head(EntryType::XGlobalHeader, b"pax_global_header", b"", global.len() as u64),
            global.as_bytes(),
        )
        .unwrap();
    let commit = fixture.upload(&archive.into_inner().unwrap(), false).await.unwrap();
    assert_eq!(fixture.files(&commit), [format!("100644 {long} y")]);
}

#[tokio::test]
async fn a_folder_around_everything_is_left_out_when_asked() {
    let fixture = Fixture::new();
    let around = [
        (EntryType::XGlobalHeader, "pax_global_header", "", &b""[..]),
        (EntryType::Directory, "shop-1f2e/", "", b""),
        (FILE, "shop-1f2e/Procfile", "", b"web: x"),
        (FILE, "shop-1f2e/a/b", "", b"b"),
        (EntryType::Link, "shop-1f2e/c", "shop-1f2e/a/b", b""),
    ];
    let commit = fixture.upload(&gzip(&tar(&around)), true).await.unwrap();
    assert_eq!(fixture.files(&commit), ["100644 Procfile web: x", "100644 a/b b", "100644 c b"]);
    for other in [(FILE, "README", "", &b"x"[..]), (FILE, "other/x", "", b"x"), (FILE, "shop-1f2e", "", b"x")]
    {
        let bytes = tar(&[&around[..], &[other]].concat());
        let said = refusal(&bytes, true).await;
        assert!(said.starts_with("Not everything"), "{said}");
    }
}

#[tokio::test]
async fn what_leads_out_or_is_no_file_is_refused() {
    let fine = (FILE, "fine", "", &b"x"[..]);
    for (entry, why) in [
        ((FILE, "../evil", "", &b"x"[..]), "../evil leads out of the archive"),
        ((FILE, "a/../../evil", "", b"x"), "leads out"),
        ((FILE, "/etc/cron.d/evil", "", b"x"), "has an absolute path"),
        ((EntryType::Link, "evil", "/etc/passwd", b""), "is a hard link to something"),
        ((EntryType::Link, "evil", "../fine", b""), "is a hard link"),
        ((EntryType::Link, "evil", "later", b""), "is a hard link"),
        ((EntryType::Symlink, "evil", "", b""), "is a symbolic link to nothing"),
        ((EntryType::Char, "evil", "", b""), "is a device"),
        ((EntryType::Block, "evil", "", b""), "is a device"),
        ((EntryType::Fifo, "evil", "", b""), "is a device"),
        ((EntryType::GNUSparse, "evil", "", b""), "gaps left out"),
        ((FILE, "fine/below", "", b"x"), "is a file in one place"),
        ((FILE, "red\u{1b}[31m\u{7}/../x", "", b"x"), "red?[31m?/../x leads out"),
    ] {
        let said = refusal(&gzip(&tar(&[fine, entry])), false).await;
        assert!(said.contains(why), "{said}");
    }
    // Through a symbolic link, and through a hard link to one.
    let link = (EntryType::Symlink, "out", "/tmp", &b""[..]);
    for entry in [(FILE, "out/evil", "", &b"x"[..]), (EntryType::Link, "evil", "out", b"")] {
        refusal(&tar(&[link, entry]), false).await;
    }
    let mut archive = Builder::new(Vec::new());
    archive.append(&head(FILE, b"\xff\xfe", b"", 0), &b""[..]).unwrap();
    assert!(refusal(&archive.into_inner().unwrap(), false).await.contains("not UTF-8"));
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let whole = tar(&[(FILE, "a", "", &[7; 3000])]);
    let compressed = gzip(&whole);
    for bytes in [&b""[..], b"PK\x03\x04", &[b'x'; 2000], &whole[..1500], &compressed[..compressed.len() - 9]]
    {
        let said = refusal(bytes, false).await;
        assert!(said.starts_with("The archive"), "{said}");
    }
    let mut changed = compressed.clone();
    let middle = changed.len() - 6;
    changed[middle] ^= 1;
    assert!(refusal(&changed, false).await.contains("cannot be read"));
    assert_eq!(
        refusal(&tar(&[(EntryType::Directory, "a", "", b"")]), false).await,
        Refused::Empty.to_string()
    );
    assert_eq!(refusal(&tar(&[(FILE, ".git/HEAD", "", b"x")]), false).await, Refused::Empty.to_string());
}

/// The bytes of a stream that says to be much and is made of little.
struct Bomb {
    head: Vec<u8>,
    zeros: u64,
}

impl Bomb {
    fn compressed(self) -> Vec<u8> {
        let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
        compressed.write_all(&self.head).unwrap();
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), self.zeros), &mut compressed).unwrap();
        compressed.finish().unwrap()
    }
}

#[tokio::test]
async fn bombs_are_refused() {
    let bomb = |kind, size: u64, zeros| {
        Bomb { head: head(kind, b"bomb", b"", size).as_bytes().to_vec(), zeros }.compressed()
    };
    let mib = 1024 * 1024;
    assert!(refusal(&bomb(FILE, 257 * mib, 0), false).await.contains("larger than 256 MiB"));
    // A name that would be kept in memory.
    let long = bomb(EntryType::GNULongName, 64 * mib, 64 * mib);
    assert!(long.len() < 1024 * 1024);
    assert!(refusal(&long, false).await.contains("a name in it is too long"));
    assert!(refusal(&bomb(EntryType::XHeader, 64 * mib, 64 * mib), false).await.contains("too long"));

    let mut archive = Builder::new(Vec::new());
    let deep = format!("{}x", "d/".repeat(201));
    let mut header = Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    archive.append_data(&mut header, &deep, &b""[..]).unwrap();
    assert!(refusal(&archive.into_inner().unwrap(), false).await.contains("lies too deep"));
}

#[tokio::test]
async fn more_than_may_be_sent_is_refused() {
    let fixture = Fixture::new();
    let error = fixture.upload(&vec![0; 4 * 1024 * 1024 + 1], false).await.unwrap_err();
    assert!(matches!(error, UploadError::TooLarge { most_mib: 4 }), "{error:?}");
    assert_eq!(std::fs::read_dir(fixture.folder.path()).unwrap().count(), 1);
}

/// 200,001 empty files, in a few kilobytes.
#[tokio::test]
async fn too_many_files_are_refused() {
    let one = head(FILE, b"a", b"", 0);
    let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..=200_000 {
        compressed.write_all(one.as_bytes()).unwrap();
    }
    let bytes = compressed.finish().unwrap();
    assert_eq!(refusal(&bytes, false).await, Refused::TooManyEntries.to_string());
}
