//! Ids of entries: `UUIDv7` (RFC 9562, section 5.7) whose random bits are a hash, so that the same entry always has the same id.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The id of the entry with this `key`: time-ordered by `at` (milliseconds), the rest is taken from the SHA-256 of the key.
#[must_use]
pub fn entry_id(at: Timestamp, key: &str) -> Uuid {
    let digest = Sha256::digest(key.as_bytes());
    let mut random = [0_u8; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_id_depends_on_its_key() {
        let at = Timestamp::from_millisecond(1_770_000_000_123).unwrap();
        assert_eq!(entry_id(at, "a/1"), entry_id(at, "a/1"));
        assert_ne!(entry_id(at, "a/1"), entry_id(at, "a/2"));
    }

    #[test]
    fn ids_sort_by_time_and_say_version_7() {
        let early = entry_id(Timestamp::from_millisecond(1_000).unwrap(), "z");
        let late = entry_id(Timestamp::from_millisecond(2_000).unwrap(), "a");
        assert!(early < late);
        assert_eq!(late.get_version_num(), 7);
    }
}
