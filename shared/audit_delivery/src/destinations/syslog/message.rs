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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use syslog_rfc5424::{SyslogFacility, SyslogMessage, SyslogSeverity, parse_message};
    use uuid::Uuid;

    use super::*;

    fn parsed(line: &str, hostname: Option<&str>) -> SyslogMessage {
        let entry = Outgoing {
            position: 42,
            id: Uuid::from_u128(7),
            line,
        };
        let message = render(&entry, hostname);
        parse_message(&message).unwrap_or_else(|error| panic!("{error}: {message}"))
    }

    /// The text without the byte order mark.
    fn message_text(message: &SyslogMessage) -> &str {
        message.msg.trim_start_matches(BOM)
    }

    #[test]
    fn every_field_comes_from_the_entry() {
        let line = r#"{"timestamp":"2026-03-02T10:15:04.231Z","action":"gitlab.api.get_mr_details","service":"processor","x":"ü]\"\\"}"#;
        let message = parsed(line, Some("audit-1.example.com"));
        assert_eq!(message.facility, SyslogFacility::LOG_LOCAL0);
        assert_eq!(message.severity, SyslogSeverity::SEV_NOTICE);
        assert_eq!(message.timestamp, Some(1_772_446_504));
        assert_eq!(message.timestamp_nanos, Some(231_000_000));
        assert_eq!(message.hostname.as_deref(), Some("audit-1.example.com"));
        assert_eq!(message.appname.as_deref(), Some("processor"));
        assert_eq!(message.procid, None);
        assert_eq!(message.msgid.as_deref(), Some("gitlab.api.get_mr_details"));
        let parameters = &message.sd[SD_ID];
        assert_eq!(parameters["id"], Uuid::from_u128(7).to_string());
        assert_eq!(parameters["position"], "42");
        assert_eq!(message_text(&message), line);
    }

    #[test]
    fn the_message_is_marked_as_utf_8() {
        let entry = Outgoing {
            position: 1,
            id: Uuid::nil(),
            line: "{}",
        };
        let message = render(&entry, None);
        assert!(message.as_bytes().ends_with(b"] \xef\xbb\xbf{}"), "{message}");
    }

    #[test]
    fn line_without_entry_has_no_header_fields() {
        for line in ["{}", "no JSON", "", "[1]", r#"{"timestamp":"yesterday","service":""}"#] {
            let message = parsed(line, None);
            assert_eq!(message.timestamp, None, "{line}");
            assert_eq!(
                (&message.hostname, &message.appname, &message.msgid),
                (&None, &None, &None)
            );
            assert_eq!(message_text(&message), line);
        }
    }

    #[test]
    fn header_fields_are_printable_and_bounded() {
        let line = json!({"action": "x".repeat(40), "service": "a b\u{1b}]\u{fc}\n<13>1 "}).to_string();
        let message = parsed(&line, Some(&"h".repeat(300)));
        assert_eq!(message.msgid.as_deref(), Some("x".repeat(32).as_str()));
        assert_eq!(message.appname.as_deref(), Some("a?b?]??<13>1?"));
        assert_eq!(message.hostname.map(|name| name.len()), Some(255));
        assert!(message.msg.ends_with(&line), "the text is complete");
    }

    #[test]
    fn no_line_is_cut() {
        let line = json!({"x": "y".repeat(60_000)}).to_string();
        assert_eq!(message_text(&parsed(&line, None)), line);
    }

    #[test]
    fn an_entry_cannot_forge_a_second_message() {
        let message = parsed("{\"a\":1,\n<133>1 - - - - - - \r\n\"b\":2}", None);
        assert_eq!(message_text(&message), "{\"a\":1, <133>1 - - - - - -   \"b\":2}");
    }

    #[test]
    fn parameters_are_escaped() {
        assert_eq!(parameter(r#"a"b\c]d[e"#), r#"a\"b\\c\]d[e"#);
    }

    proptest! {
        #[test]
        fn any_entry_is_read_back(action in "\\PC{0,60}", service in ".{0,60}", hostname in ".{0,20}", note in "[^\r\n]{0,80}") {
            let line = json!({"action": action, "service": service, "note": note}).to_string();
            let message = parsed(&line, Some(&hostname));
            prop_assert_eq!(message_text(&message), line);
            prop_assert_eq!(&message.sd[SD_ID]["position"], "42");
        }

        #[test]
        fn any_text_is_read_back(line in "[^\r\n\u{feff}]{0,80}") {
            let message = parsed(&line, None);
            prop_assert_eq!(message_text(&message), line);
        }
    }
}
