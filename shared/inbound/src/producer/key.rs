//! A producer: the service that holds a key, and the services in whose name it may send.

use std::collections::BTreeSet;

use secrecy::SecretString;
use serde::Deserialize;

use super::authorize::OUR_SERVICES;
use crate::keys::KeyHolder;

/// Longest name, in bytes: it is part of the stored source.
const LONGEST_NAME: usize = 64;

/// A service that may send entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// Its name in the secret; entries are stored with the source `producer/<name>`.
    pub name: String,
    /// The values of `service` that its entries may have.
    pub services: BTreeSet<String>,
    /// It may report verifications and evidence packs (`verify.*`, `pack.*`).
    pub registers: bool,
}

/// An element of `audit_producers` in the secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerFields {
    #[serde(rename = "name")]
    _name: String,
    key: SecretString,
    /// By default the name alone.
    #[serde(default)]
    services: Option<BTreeSet<String>>,
    #[serde(default)]
    registers: bool,
}

impl KeyHolder for Producer {
    type Fields = ProducerFields;
    const LIST: &'static str = "audit_producers";

    fn from_fields(name: &str, fields: &ProducerFields) -> Result<(Self, SecretString), String> {
        if !is_name(name) {
            return Err(format!(
                "`name` must have 1 to {LONGEST_NAME} letters, digits, hyphens, dots or underscores"
            ));
        }
        let services = fields
            .services
            .clone()
            .unwrap_or_else(|| BTreeSet::from([name.to_owned()]));
        if services.is_empty() || !services.iter().all(|service| is_name(service)) {
            return Err(
                "`services` must name at least one service, with letters, digits, hyphens, dots or underscores"
                    .to_owned(),
            );
        }
        if let Some(ours) = services.iter().find(|service| OUR_SERVICES.contains(&service.as_str())) {
            return Err(format!(
                "the service `{ours}` belongs to Countersign; choose another name"
            ));
        }
        let producer = Self {
            name: name.to_owned(),
            services,
            registers: fields.registers,
        };
        Ok((producer, fields.key.clone()))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed)
}
