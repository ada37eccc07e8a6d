//! Standard Webhooks signatures as GitLab 19.0 and later makes them: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Prefix of every signing token.
const PREFIX: &str = "whsec_";
/// The only scheme GitLab sends: symmetric, HMAC-SHA256.
const VERSION: &str = "v1";
/// Bytes of a SHA-256 MAC.
const MAC_BYTES: usize = 32;
/// Key lengths that Standard Webhooks 1.0.0 allows; GitLab's keys have 32 bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

type Mac = Hmac<Sha256>;

/// The key of one hook: the bytes encoded after `whsec_`.
#[derive(Debug, Clone)]
pub struct SigningToken(SecretSlice<u8>);

/// Why a configured text is not a signing token. Never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningTokenError {
    /// Another kind of token, or the encoded key alone.
    #[error("does not start with `whsec_`")]
    Prefix,
    /// Not standard base64.
    #[error("is not standard base64 after `whsec_`")]
    Encoding,
    /// A key that is too short to be safe, or longer than the specification allows.
    #[error("encodes a key of {0} bytes; expected 24 to 64")]
    Length(usize),
}

impl PartialEq for SigningToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret().ct_eq(other.0.expose_secret()).into()
    }
}

impl SigningToken {
    /// Reads `whsec_<base64>`; surrounding white space, common in pasted secrets, is dropped.
    ///
    /// # Errors
    /// [`SigningTokenError`] describes the problem without repeating the token.
    pub fn parse(text: &str) -> Result<Self, SigningTokenError> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(SigningTokenError::Prefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| SigningTokenError::Encoding)?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(SigningTokenError::Length(key.len()));
        }
        Ok(Self(key.into()))
    }

    /// The MAC over `id.timestamp.body`, fed piece by piece so that a large body is never copied.
    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<Mac> {
        // HMAC accepts keys of any length; the error exists for other MACs only.
        let mut mac = Mac::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        Some(mac)
    }
}

/// The value of `webhook-signature` for a delivery: `v1,` and the padded base64 of the MAC.
///
/// For senders of samples and tests; a receiver verifies instead of comparing texts.
#[must_use]
pub fn sign(token: &SigningToken, id: &str, timestamp: &str, body: &[u8]) -> String {
    let mac = token.mac(id, timestamp, body).map(|mac| mac.finalize().into_bytes());
    format!("{VERSION},{}", STANDARD.encode(mac.unwrap_or_default()))
}

/// The usable entries of one `webhook-signature` header.
#[derive(Debug)]
pub(crate) struct Signatures(Vec<[u8; MAC_BYTES]>);

/// Two headers with one name, which API Gateway joins with a comma.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Duplicated;

impl Signatures {
    /// Reads the space-separated list. Entries of another version or form are ignored: they prove nothing.
    pub(crate) fn parse(header: &str) -> Result<Self, Duplicated> {
        let mut usable = Vec::new();
        for entry in header.split(' ') {
            let Some((version, value)) = entry.split_once(',') else {
                continue;
            };
            if value.contains(',') {
                return Err(Duplicated);
            }
            if version == VERSION
                && let Ok(bytes) = STANDARD.decode(value)
                && let Ok(mac) = <[u8; MAC_BYTES]>::try_from(bytes)
            {
                usable.push(mac);
            }
        }
        // "v1,a, v1,b": the comma that joins two headers stays at the end of an entry, caught above as an empty rest.
        Ok(Self(usable))
    }

    /// Whether no entry can match any token.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any entry was made with this token. Checks every entry, each in constant time.
    pub(crate) fn any_made_with(&self, token: &SigningToken, id: &str, timestamp: &str, body: &[u8]) -> bool {
        let Some(mac) = token.mac(id, timestamp, body) else {
            return false;
        };
        self.0
            .iter()
            .fold(false, |found, entry| found | mac.clone().verify_slice(entry).is_ok())
    }
}

#[cfg(test)]
mod tests;
