//! A disk of a few MiB: a file system in a file. Needs root and `mkfs.ext4`, as the machines have on which builds are limited.

use super::process::run;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Makes and mounts one.
    pub(crate) fn new(mib: u64) -> Self {
        let disk = Self { folder: tempfile::Builder::new().prefix("gilgal-disk-").tempdir().unwrap() };
        let image = disk.folder.path().join("image");
        File::create(&image).unwrap().set_len(mib << 20).unwrap();
        // Nothing is reserved for root, which the server is here.
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image)).expect_success();
        fs::create_dir(disk.path()).unwrap();
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(disk.path())).expect_success();
        disk
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// Fills it to the last block.
    pub(crate) fn fill(&self) {
        let filler = File::create(self.filler()).unwrap();
        let mut size = 0;
        for step in [1 << 20, 4096] {
            while rustix::fs::fallocate(&filler, rustix::fs::FallocateFlags::empty(), size, step).is_ok() {
                size += step;
            }
        }
    }

    /// Gives the room back.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what has failed may still have a file open.
        run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}

/// Every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
