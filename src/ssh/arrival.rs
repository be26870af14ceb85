//! How much one push may send: git bounds the pack alone, and neither the commands before it nor what comes behind it.

/// Most bytes of commands and options: ten times what the longest push that is taken needs.
const MAX_BEFORE_PACK: u64 = 16 * 1024 * 1024;
/// How far a client may be ahead of git, which refuses a pack that is too large in better words.
const AHEAD: u64 = 64 * 1024 * 1024;
/// Bytes of the length before each packet (gitprotocol-common(5), "pkt-line Format").
const LENGTH_DIGITS: usize = 4;

/// Counts what a push sends.
#[derive(Debug)]
pub(super) struct Arrival {
    most: u64,
    bytes: u64,
    /// Of the length that is being read.
    digits: Vec<u8>,
    /// Bytes of the packet that have not come yet.
    left: usize,
    pack_began: bool,
}

impl Arrival {
    /// A push whose pack may have so many bytes.
    pub(super) fn new(max_pack_bytes: u64) -> Self {
        let most = max_pack_bytes.saturating_add(AHEAD);
        Self { most, bytes: 0, digits: Vec::with_capacity(LENGTH_DIGITS), left: 0, pack_began: false }
    }

    /// How many bytes have come.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes of the client; answers whether more may come.
    pub(super) fn take(&mut self, data: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(data.len() as u64);
        self.look_for_pack(data);
        self.bytes <= if self.pack_began { self.most } else { MAX_BEFORE_PACK }
    }

    fn look_for_pack(&mut self, mut data: &[u8]) {
        while !self.pack_began && !data.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(data.len());
                self.left -= skipped;
                data = &data[skipped..];
                continue;
            }
            self.digits.push(data[0]);
            data = &data[1..];
            if self.digits.len() == LENGTH_DIGITS {
                let length = std::str::from_utf8(&self.digits).ok();
                match length.and_then(|digits| usize::from_str_radix(digits, 16).ok()) {
                    // Lengths below it stand for the end of a section.
                    Some(length) => self.left = length.saturating_sub(LENGTH_DIGITS),
                    // The word `PACK`, or what git refuses.
                    None => self.pack_began = true,
                }
                self.digits.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_without_end_are_stopped_long_before_a_pack_would_be() {
        let packet = [b"0404".as_slice(), &[b'a'; 1024]].concat();
        let mut arrival = Arrival::new(1 << 40);
        let taken = (0..u64::from(u32::MAX)).take_while(|_| arrival.take(&packet)).count() as u64;
        assert_eq!(taken, MAX_BEFORE_PACK / packet.len() as u64);
    }

    #[test]
    fn a_pack_is_found_however_the_bytes_are_cut_and_has_room_of_its_own() {
        let bytes = b"0008PACK00000006PA0000PACKpack";
        for cut in 0..bytes.len() {
            let mut arrival = Arrival::new(MAX_BEFORE_PACK);
            let (first, second) = bytes.split_at(cut);
            assert!(arrival.take(first) && arrival.take(second));
            assert!(arrival.pack_began, "{cut}");
            assert_eq!(arrival.bytes(), bytes.len() as u64);
            let chunk = vec![0; 1024 * 1024];
            let taken = (0..u64::from(u32::MAX)).take_while(|_| arrival.take(&chunk)).count() as u64;
            assert_eq!(taken, (MAX_BEFORE_PACK + AHEAD) / chunk.len() as u64 - 1);
        }
        let mut arrival = Arrival::new(0);
        assert!(arrival.take(b"0008PACK0000"));
        assert!(!arrival.pack_began, "a packet may say PACK");
    }
}
