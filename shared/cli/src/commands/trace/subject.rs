//! The id to trace: a correlation id, a trace id, the id of a comment, or the id of an entry.

use std::fmt;

use uuid::Uuid;

use crate::commands::audit::trace_id;

/// The requested id. Thirty-two hex digits without hyphens may be a correlation id or a trace id; a trace is searched first. A UUID
/// that is not a correlation id may be the id of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceSubject {
    pub(super) correlation_id: Option<Uuid>,
    pub(super) trace_id: Option<String>,
    /// GitLab's id of a comment with a command.
    pub(super) comment: Option<i64>,
}

impl TraceSubject {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let subject = Self {
            correlation_id: Uuid::try_parse(text).ok(),
            trace_id: trace_id(text).ok(),
            comment: text.parse().ok().filter(|id| *id > 0 && text.len() < 20),
        };
        if subject.correlation_id.is_none() && subject.trace_id.is_none() && subject.comment.is_none() {
            return Err(
                "expected a correlation id or the id of an entry (a UUID), a trace id (32 hex digits, or a full traceparent), or the \
                 id of a comment (a number)",
            );
        }
        Ok(subject)
    }
}

impl fmt::Display for TraceSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = self.comment {
            return write!(f, "comment {id}");
        }
        match (&self.correlation_id, &self.trace_id) {
            (Some(id), None) => write!(f, "correlation id or entry {id}"),
            (None, Some(id)) => write!(f, "trace id {id}"),
            (Some(id), Some(trace)) => write!(f, "trace id {trace} or correlation id {id}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_form_is_parsed_others_are_rejected() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let cases = [
            ("01999999-0000-7000-8000-000000000001", true, false),
            (trace, true, true),
            ("4BF92F3577B34DA6A3CE929D0E0E4736", true, true),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false, true),
        ];
        for (text, correlation, traced) in cases {
            let subject = TraceSubject::parse(text).unwrap();
            assert_eq!(
                (subject.correlation_id.is_some(), subject.trace_id.is_some()),
                (correlation, traced),
                "{text}"
            );
            assert!(!traced || subject.trace_id.as_deref() == Some(trace), "{text}");
        }
        assert_eq!(TraceSubject::parse("5001").unwrap().comment, Some(5001));
        for text in ["", "7301!811", "0", "-5", "00-xyz-1-2", "99999999999999999999"] {
            assert!(TraceSubject::parse(text).is_err(), "{text:?}");
        }
    }
}
