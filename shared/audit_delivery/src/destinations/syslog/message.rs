//! One entry as an RFC 5424 message.

use jiff::Timestamp;
use serde::Deserialize;

use crate::destination::Outgoing;
use crate::destinations::line::one_line;

/// Facility local0 (16), severity notice (5): RFC 5424, section 6.2.1.
const PRIORITY: u8 = 16 * 8 + 5;
/// 32473 is the enterprise number for documentation (RFC 5612); the name before it identifies ours.
const SD_ID: &str = "countersign@32473";
/// Marks the message as UTF-8: RFC 5424, section 6.4.
const BOM: char = '\u{feff}';

/// The header fields of the entry.
#[derive(Default, Deserialize)]
struct Head {
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    action: String,
}

/// The whole message: the entry's time, its service as `APP-NAME`, its action as `MSGID`, and the whole line as `MSG`.
pub(super) fn render(entry: &Outgoing<'_>, hostname: Option<&str>) -> String {
    let head: Head = serde_json::from_str(entry.line).unwrap_or_default();
    let timestamp = head
        .timestamp
        .parse::<Timestamp>()
        .map_or_else(|_| "-".to_owned(), |at| format!("{at:.3}"));
    let hostname = field(hostname.unwrap_or_default(), 255);
    let app_name = field(&head.service, 48);
    let msg_id = field(&head.action, 32);
    let id = parameter(&entry.id.to_string());
    let position = parameter(&entry.position.to_string());
    let text = one_line(entry.line);
    format!(
        r#"<{PRIORITY}>1 {timestamp} {hostname} {app_name} - {msg_id} [{SD_ID} id="{id}" position="{position}"] {BOM}{text}"#
    )
}

/// A header field: printable ASCII of bounded length, `-` if empty (RFC 5424, section 6). It may lose characters; the message has
/// the full text.
fn field(text: &str, longest: usize) -> String {
    let printable = |character: char| if character.is_ascii_graphic() { character } else { '?' };
    let field: String = text.chars().take(longest).map(printable).collect();
    if field.is_empty() { "-".to_owned() } else { field }
}

/// A parameter value, escaped: RFC 5424, section 6.3.3.
fn parameter(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests;
