//! The cursor of a destination: the position up to which it has everything, in a file that is overwritten in place.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::AuditQueueError;
use super::directory::Directory;
use super::record::take;

pub(super) const PREFIX: &str = "cursor.";
const MAGIC: [u8; 8] = *b"AUDITCR1";
/// Magic, generation, delivered, refused, CRC-32 of these.
const SLOT: usize = 36;
/// Each slot has its own block, so that a torn write leaves the other intact.
const BLOCK: usize = 4096;

/// The file and its content.
///
/// Two slots are written alternately, and the newer valid one counts: a torn write loses one step, so a batch is delivered twice.
/// Overwriting needs no space, so that a disk that filled during an outage can be emptied afterwards.
#[derive(Debug)]
pub(super) struct Cursor {
    file: File,
    generation: u64,
    pub(super) delivered: u64,
    pub(super) refused: u64,
}

impl Cursor {
    /// A new cursor.
    pub(super) fn create(directory: &Directory, name: &str, delivered: u64) -> Result<Self, AuditQueueError> {
        let path = directory.path().join(format!("{PREFIX}{name}"));
        let mut content = vec![0; 2 * BLOCK];
        content[..SLOT].copy_from_slice(&slot(0, delivered, 0));
        let file = directory
            .create(&format!("{PREFIX}{name}"), &content)
            .map_err(AuditQueueError::io("create", &path))?;
        Ok(Self {
            file,
            generation: 0,
            delivered,
            refused: 0,
        })
    }

    /// An existing cursor.
    pub(super) fn open(path: &Path) -> Result<Self, AuditQueueError> {
        let mut bytes = Vec::new();
        let mut file = File::options()
            .read(true)
            .write(true)
            .open(path)
            .map_err(AuditQueueError::io("open", path))?;
        file.read_to_end(&mut bytes)
            .map_err(AuditQueueError::io("read", path))?;
        let slots = [0, BLOCK].into_iter().filter_map(|at| parse(bytes.get(at..)?));
        let (generation, delivered, refused) = slots
            .max()
            .ok_or_else(|| AuditQueueError::damaged(path, 0, "both slots are invalid"))?;
        Ok(Self {
            file,
            generation,
            delivered,
            refused,
        })
    }

    /// Moves the cursor; it is on disk when this returns.
    pub(super) fn advance(&mut self, delivered: u64, refused: u64) -> io::Result<()> {
        let generation = self.generation + 1;
        let at = if generation.is_multiple_of(2) { 0 } else { BLOCK };
        self.file
            .write_all_at(&slot(generation, delivered, refused), u64::try_from(at).unwrap_or(0))?;
        self.file.sync_data()?;
        (self.generation, self.delivered, self.refused) = (generation, delivered, refused);
        Ok(())
    }
}

fn slot(generation: u64, delivered: u64, refused: u64) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&generation.to_le_bytes());
    bytes[16..24].copy_from_slice(&delivered.to_le_bytes());
    bytes[24..32].copy_from_slice(&refused.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..32]);
    bytes[32..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> Option<(u64, u64, u64)> {
    let (covered, _) = take::<32>(bytes)?;
    let (magic, rest) = take::<8>(bytes)?;
    let (generation, rest) = take::<8>(rest)?;
    let (delivered, rest) = take::<8>(rest)?;
    let (refused, rest) = take::<8>(rest)?;
    let (sum, _) = take::<4>(rest)?;
    let is_valid = magic == MAGIC && crc32fast::hash(&covered) == u32::from_le_bytes(sum);
    is_valid.then(|| {
        (
            u64::from_le_bytes(generation),
            u64::from_le_bytes(delivered),
            u64::from_le_bytes(refused),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_cursor_write_falls_back_one_step() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(place.path()).unwrap();
        let path = place.path().join("cursor.http");
        let mut cursor = Cursor::create(&directory, "http", 4).unwrap();
        for delivered in 5..20 {
            cursor.advance(delivered, 1).unwrap();
            let read = Cursor::open(&path).unwrap();
            assert_eq!((read.delivered, read.refused), (delivered, 1));
        }
        let newest = if cursor.generation.is_multiple_of(2) { 0 } else { BLOCK };
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[newest + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Cursor::open(&path).unwrap().delivered, 18);
        std::fs::write(&path, vec![0; 2 * BLOCK]).unwrap();
        let error = Cursor::open(&path).unwrap_err().to_string();
        assert!(error.contains("cursor.http is damaged at byte 0"), "{error}");
    }
}
