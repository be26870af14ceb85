//! New volumes belong to the user that the image runs as: Docker gives them to root, who is not the one to write them.

use super::Shared;
use crate::engine::{EngineError, InstanceSpec};
use crate::model::instance::InstanceId;
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use bollard::{Docker, body_full};
use futures_util::StreamExt;
use std::io;

/// Most bytes of a list of accounts that are read.
const LONGEST_TEXT: usize = 1024 * 1024;
/// A block of a tar archive.
const BLOCK: usize = 512;

impl Shared {
    /// Gives volumes that are empty, and root's, to the user that the image runs as: it could not write them.
    pub(super) async fn give_volumes(
        &self,
        docker: &Docker,
        id: &InstanceId,
        spec: &InstanceSpec,
    ) -> Result<(), EngineError> {
        let written = spec.volumes.values().filter(|mount| !mount.read_only);
        let paths: Vec<&str> = written.map(|mount| mount.path.as_str()).collect();
        if paths.is_empty() {
            return Ok(());
        }
        let action = "look at the instance";
        let found = docker.inspect_container(&id.0, None).await;
        let found = found.map_err(|error| self.failed(action, &error))?;
        let user = found.config.and_then(|config| config.user).unwrap_or_default();
        let Some(owner) = self.owner(docker, id, &user).await? else { return Ok(()) };
        for path in paths {
            if !self.is_new(docker, id, path).await? {
                continue;
            }
            let (parent, folder) = path.rsplit_once('/').unwrap_or(("", path));
            let archive = folder_archive(folder, owner).map_err(|error| EngineError::Other {
                action: "give the volume to the user of the image",
                reason: error.to_string(),
            })?;
            let parent = if parent.is_empty() { "/" } else { parent };
            let options = UploadToContainerOptionsBuilder::new().path(parent).build();
            docker
                .upload_to_container(&id.0, Some(options), body_full(archive.into()))
                .await
                .map_err(|error| self.failed("give the volume to the user of the image", &error))?;
        }
        Ok(())
    }

    /// The numbers of the user and the group that an image runs as (`app`, `65534:65534`), by the files of the image;
    /// `None`: root, or nobody knows.
    async fn owner(
        &self,
        docker: &Docker,
        id: &InstanceId,
        user: &str,
    ) -> Result<Option<(u64, u64)>, EngineError> {
        let (name, group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
        if matches!(name, "" | "0" | "root") {
            return Ok(None);
        }
        let accounts = self.text_of(docker, id, "/etc/passwd").await;
        let groups = self.text_of(docker, id, "/etc/group").await;
        let account = entry(&accounts, name);
        let uid = name.parse().ok().or_else(|| account.as_ref()?.first().copied());
        let gid = match group {
            Some(group) => group.parse().ok().or_else(|| entry(&groups, group)?.first().copied()),
            None => account.as_ref().and_then(|numbers| numbers.get(1).copied()).or(Some(0)),
        };
        Ok(uid.zip(gid).filter(|(uid, _)| *uid != 0))
    }

    /// A small text of a container; empty where there is none.
    async fn text_of(&self, docker: &Docker, id: &InstanceId, path: &str) -> String {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let mut archive = Box::pin(docker.download_from_container(&id.0, Some(options)));
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(Ok(piece)) = archive.next().await {
            bytes.extend_from_slice(&piece);
            if bytes.len() > LONGEST_TEXT {
                break;
            }
        }
        let mut text = String::new();
        let mut archive = tar::Archive::new(bytes.as_slice());
        if let Some(Ok(mut file)) = archive.entries().ok().and_then(|mut entries| entries.next()) {
            // One that is cut off is read as far as it goes.
            io::Read::read_to_string(&mut file, &mut text).ok();
        }
        text
    }

    /// Whether a folder of a container is empty and root's. Only the beginning of what is in it is read.
    async fn is_new(&self, docker: &Docker, id: &InstanceId, path: &str) -> Result<bool, EngineError> {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let mut archive = Box::pin(docker.download_from_container(&id.0, Some(options)));
        let mut begun: Vec<u8> = Vec::new();
        while begun.len() < 2 * BLOCK {
            match archive.next().await {
                Some(Ok(bytes)) => begun.extend_from_slice(&bytes),
                Some(Err(error)) => return Err(self.failed("look at the volume", &error)),
                None => break,
            }
        }
        let Some((folder, next)) = begun.split_at_checked(BLOCK) else { return Ok(false) };
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes().copy_from_slice(folder);
        let is_empty = next.iter().take(BLOCK).all(|byte| *byte == 0);
        Ok(is_empty && header.uid().is_ok_and(|uid| uid == 0))
    }
}

/// The numbers behind a name in a list of accounts or groups (passwd(5), group(5)), found by the name or the first number.
fn entry(list: &str, name: &str) -> Option<Vec<u64>> {
    list.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_it = fields.first() == Some(&name) || fields.get(2) == Some(&name);
        is_it.then(|| fields.iter().skip(2).take(2).filter_map(|number| number.parse().ok()).collect())
    })
}

/// A tar archive of one folder, which belongs to a user and a group.
fn folder_archive(folder: &str, (uid, gid): (u64, u64)) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o755);
    header.set_uid(uid);
    header.set_gid(gid);
    archive.append_data(&mut header, format!("{folder}/"), io::empty())?;
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn accounts_are_found_by_name_or_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n";
        assert_eq!(entry(passwd, "app"), Some(vec![1000, 1001]));
        assert_eq!(entry(passwd, "1000"), Some(vec![1000, 1001]));
        assert_eq!(entry("staff:x:50:ada\n", "staff"), Some(vec![50]));
        assert_eq!(entry(passwd, "nobody"), None);
    }
}
