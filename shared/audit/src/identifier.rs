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

/// The correlation id of the commands in a comment, which every service can compute: a `UUIDv8` (RFC 9562, section 5.8) from the first
/// 16 bytes of the SHA-256 of `countersign/command/<instance>/<note id>`.
#[must_use]
pub fn command_correlation(instance: &str, note_id: i64) -> Uuid {
    digest_uuid(&format!("countersign/command/{instance}/{note_id}"))
}

/// A `UUIDv8` from the SHA-256 of `name`.
#[must_use]
pub fn digest_uuid(name: &str) -> Uuid {
    let digest = Sha256::digest(name.as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
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
    fn command_correlation_is_the_documented_digest() {
        // printf 'countersign/command/main/5001' | sha256sum, with version 8 and variant 10.
        let expected = "e4ac7287-45e6-855b-b9ed-dbefd8bde97e";
        assert_eq!(command_correlation("main", 5001).to_string(), expected);
        assert_ne!(command_correlation("main", 5001), command_correlation("main", 5002));
    }

    #[test]
    fn ids_sort_by_time_and_say_version_7() {
        let early = entry_id(Timestamp::from_millisecond(1_000).unwrap(), "z");
        let late = entry_id(Timestamp::from_millisecond(2_000).unwrap(), "a");
        assert!(early < late);
        assert_eq!(late.get_version_num(), 7);
    }
}
