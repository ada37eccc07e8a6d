//! One record of a segment: length, checksum, and an entry or the announcement of a call.

use uuid::Uuid;

/// Bytes of a record in addition to its line. All numbers are little endian:
///
/// | offset | bytes | content |
/// |---|---|---|
/// | 0 | 4 | number of bytes after the checksum |
/// | 4 | 4 | CRC-32 (IEEE) of the length and of everything after the checksum |
/// | 8 | 1 | kind |
/// | 9 | 8 | bytes of this segment that were confirmed on disk when the record was written |
/// | 17 | 8 | position; for an announcement: that of the entry before it |
/// | 25 | 16 | id |
/// | 41 | | line, without its line break |
pub(super) const OVERHEAD: usize = 41;
const PREFIX: usize = 8;

/// The content of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordKind {
    /// An entry: it has a position and is delivered.
    Entry,
    /// The announcement of a call: it is not delivered.
    Intent,
}

/// A record, its line borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueueRecord<'a> {
    pub(super) kind: RecordKind,
    pub(super) synced: u64,
    pub(super) position: u64,
    pub(super) id: Uuid,
    pub(super) line: &'a str,
}

/// Why a record could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnreadableRecord {
    /// The bytes end before the record; it needs this many.
    Short(usize),
    /// The bytes are not a record.
    Damaged(&'static str),
}

impl<'a> QueueRecord<'a> {
    /// Appends the record to `buffer`. `None`: the line is too long for the length field; nothing was appended.
    pub(super) fn append_to(&self, buffer: &mut Vec<u8>) -> Option<()> {
        let length = u32::try_from(OVERHEAD - PREFIX + self.line.len()).ok()?;
        let start = buffer.len();
        buffer.extend_from_slice(&length.to_le_bytes());
        buffer.extend_from_slice(&[0; 4]);
        buffer.push(match self.kind {
            RecordKind::Entry => 1,
            RecordKind::Intent => 2,
        });
        buffer.extend_from_slice(&self.synced.to_le_bytes());
        buffer.extend_from_slice(&self.position.to_le_bytes());
        buffer.extend_from_slice(self.id.as_bytes());
        buffer.extend_from_slice(self.line.as_bytes());
        let sum = checksum(length, &buffer[start + PREFIX..]);
        buffer[start + 4..start + PREFIX].copy_from_slice(&sum.to_le_bytes());
        Some(())
    }

    /// Reads the record at the beginning of `bytes`; also returns its length.
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Self, usize), UnreadableRecord> {
        let (length, rest) = take::<4>(bytes).ok_or(UnreadableRecord::Short(OVERHEAD))?;
        let (sum, rest) = take::<4>(rest).ok_or(UnreadableRecord::Short(OVERHEAD))?;
        let length = u32::from_le_bytes(length);
        let held = usize::try_from(length).unwrap_or(usize::MAX);
        let whole = PREFIX.saturating_add(held);
        if whole < OVERHEAD {
            return Err(UnreadableRecord::Damaged("the length is too small"));
        }
        let held = rest.get(..held).ok_or(UnreadableRecord::Short(whole))?;
        if checksum(length, held) != u32::from_le_bytes(sum) {
            return Err(UnreadableRecord::Damaged("the checksum does not match"));
        }
        Self::parse(held)
            .map(|record| (record, whole))
            .ok_or(UnreadableRecord::Damaged("unknown record format"))
    }

    fn parse(held: &'a [u8]) -> Option<Self> {
        let ([kind], rest) = take::<1>(held)?;
        let (synced, rest) = take::<8>(rest)?;
        let (position, rest) = take::<8>(rest)?;
        let (id, line) = take::<16>(rest)?;
        Some(Self {
            kind: match kind {
                1 => RecordKind::Entry,
                2 => RecordKind::Intent,
                _ => return None,
            },
            synced: u64::from_le_bytes(synced),
            position: u64::from_le_bytes(position),
            id: Uuid::from_bytes(id),
            line: std::str::from_utf8(line).ok()?,
        })
    }
}

/// The first `N` bytes, and the rest.
pub(super) fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    Some((*first, rest))
}

fn checksum(length: u32, held: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(held);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_of(record: &QueueRecord<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.append_to(&mut bytes).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_was_written(line in ".*", synced: u64, position: u64, id: u128, entry: bool, after: Vec<u8>) {
            let kind = if entry { RecordKind::Entry } else { RecordKind::Intent };
            let record = QueueRecord { kind, synced, position, id: Uuid::from_u128(id), line: &line };
            let mut bytes = bytes_of(&record);
            let length = bytes.len();
            bytes.extend(after);
            prop_assert_eq!(QueueRecord::read(&bytes), Ok((record, length)));
        }

        #[test]
        fn changed_bit_or_missing_byte_is_detected(line in ".{0,40}", bit in 0_usize..10_000, cut in 0_usize..10_000) {
            let record = QueueRecord { kind: RecordKind::Entry, synced: 1, position: 7, id: Uuid::nil(), line: &line };
            let mut bytes = bytes_of(&record);
            let length = bytes.len();
            prop_assert!(QueueRecord::read(&bytes[..cut % length]).is_err());
            bytes[bit / 8 % length] ^= 1 << (bit % 8);
            prop_assert!(QueueRecord::read(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = QueueRecord::read(&bytes);
        }
    }
}
