//! A received syslog message.

use jiff::Timestamp;
use syslog_rfc5424::{SyslogFacility, SyslogSeverity, parse_message};

/// A receiver's view of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `id` of the structured data: the entry's.
    pub id: String,
    /// `position` of the structured data.
    pub position: String,
    /// `TIMESTAMP`.
    pub timestamp: Option<Timestamp>,
    /// `HOSTNAME`.
    pub hostname: Option<String>,
    /// `APP-NAME`.
    pub app_name: Option<String>,
    /// `MSGID`.
    pub msg_id: Option<String>,
    /// The text, without the byte order mark.
    pub text: String,
}

impl Message {
    /// Parses a message that Countersign may have sent.
    ///
    /// # Errors
    /// The parse error.
    pub(super) fn parse(octets: &[u8]) -> Result<Self, String> {
        let whole = std::str::from_utf8(octets).map_err(|error| error.to_string())?;
        let message = parse_message(whole).map_err(|error| error.to_string())?;
        if (message.facility, message.severity) != (SyslogFacility::LOG_LOCAL0, SyslogSeverity::SEV_NOTICE) {
            return Err("it is not local0.notice".to_owned());
        }
        let data = message.sd.get("countersign@32473").ok_or("it has no structured data")?;
        let parameter = |name: &str| data.get(name).cloned().ok_or(format!("it has no {name}"));
        let (id, position) = (parameter("id")?, parameter("position")?);
        let timestamp = message.timestamp.map(|seconds| {
            let nanoseconds = message.timestamp_nanos.unwrap_or_default();
            Timestamp::new(seconds, nanoseconds.try_into().unwrap_or_default()).map_err(|error| error.to_string())
        });
        let (_, text) = message
            .msg
            .split_once('\u{feff}')
            .ok_or("its text is not marked as UTF-8")?;
        Ok(Self {
            id,
            position,
            timestamp: timestamp.transpose()?,
            text: text.to_owned(),
            hostname: message.hostname,
            app_name: message.appname,
            msg_id: message.msgid,
        })
    }
}
