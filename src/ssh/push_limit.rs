//! How much one push may bring.

/// How large a pack may be: what the settings allow, or less where the disk has room for less.
#[derive(Debug, Clone, Copy)]
pub(super) enum PushLimit {
    Settings(u64),
    Disk(u64),
}

impl PushLimit {
    pub(super) const fn new(max_push_bytes: u64, spare_bytes: u64) -> Self {
        // 0 would be no limit for git.
        let spare_bytes = if spare_bytes == 0 { 1 } else { spare_bytes };
        if spare_bytes < max_push_bytes { Self::Disk(spare_bytes) } else { Self::Settings(max_push_bytes) }
    }

    pub(super) const fn bytes(self) -> u64 {
        match self {
            Self::Settings(bytes) | Self::Disk(bytes) => bytes,
        }
    }

    pub(super) fn refusal(self) -> String {
        match self {
            Self::Settings(bytes) => format!(
                "The push is larger than the {} MiB that this server takes. Take large files out of its commits, or ask \
                 the operator to raise GILGAL_MAX_PUSH_MIB.",
                bytes >> 20
            ),
            Self::Disk(bytes) => format!(
                "The push is larger than the {} MiB that this server's disk has room for. Nothing was changed. The operator \
                 can make room: `gilgal disk` shows what could go.",
                bytes >> 20
            ),
        }
    }
}
