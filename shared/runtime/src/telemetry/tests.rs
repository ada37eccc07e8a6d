//! The format of a line, and which lines are written.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(pairs: &[(&str, &str)], work: impl FnOnce()) -> Vec<Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let verbosity = Verbosity::from_environment(&mut Environment::from_pairs(pairs.iter().copied()));
    let subscriber = tracing_subscriber::registry().with(layer(verbosity, move || writer.clone()));
    tracing::subscriber::with_default(subscriber, work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn standard_fields_are_at_the_top_level() {
    let lines = written(&[], || {
        tracing::warn!(project_id = 42, text = "two\nlines", "a merge request was skipped");
    });
    let [line] = &lines[..] else {
        panic!("expected one line: {lines:?}")
    };
    let timestamp = line["timestamp"].as_str().unwrap();
    assert!(
        timestamp.ends_with('Z') && timestamp.parse::<jiff::Timestamp>().is_ok(),
        "{timestamp}"
    );
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "a merge request was skipped");
    assert_eq!(line["project_id"], 42);
    assert_eq!(line["text"], "two\nlines");
}

#[test]
fn the_span_of_the_record_comes_along() {
    let lines = written(&[], || {
        tracing::info_span!("record", message_id = "m-1").in_scope(|| tracing::info!("done"));
    });
    assert_eq!(lines[0]["span"]["message_id"], "m-1");
}

#[test]
fn which_lines_are_written() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let table: [Case; 7] = [
        (&[], &["own info", "own error", "library warning"]),
        (&[("AWS_LAMBDA_LOG_LEVEL", "ERROR")], &["own error"]),
        (
            &[("AWS_LAMBDA_LOG_LEVEL", "FATAL"), ("RUST_LOG", "trace")],
            &["own error"],
        ),
        (
            &[("AWS_LAMBDA_LOG_LEVEL", "DEBUG")],
            &["own debug", "own info", "own error", "library info", "library warning"],
        ),
        (
            &[("AWS_LAMBDA_LOG_LEVEL", "LOUD")],
            &["own info", "own error", "library warning"],
        ),
        (
            &[("RUST_LOG", "warn,hyper=info")],
            &["own error", "library info", "library warning"],
        ),
        (&[("RUST_LOG", "off")], &[]),
    ];
    for (pairs, expected) in table {
        let lines = written(pairs, || {
            tracing::debug!("own debug");
            tracing::info!("own info");
            tracing::error!("own error");
            tracing::info!(target: "hyper::proto", "library info");
            tracing::warn!(target: "hyper::proto", "library warning");
        });
        let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, expected, "{pairs:?}");
    }
}

#[test]
fn request_logging_libraries_never_trace() {
    for pairs in [
        [("AWS_LAMBDA_LOG_LEVEL", "TRACE")],
        [("RUST_LOG", "trace")],
        [("RUST_LOG", "aws_smithy_runtime=trace,hyper=trace,lambda_runtime=trace")],
    ] {
        let lines = written(&pairs, || {
            tracing::trace!(target: "lambda_runtime::deserializer", body = "hunter2", "raw JSON event received from Lambda");
            tracing::trace!(target: "aws_smithy_runtime::client", body = "hunter2", "response");
            tracing::trace!(target: "hyper::proto", body = "hunter2", "read");
            tracing::debug!(target: "hyper::proto", "kept alive");
        });
        assert_eq!(lines.len(), 1, "{pairs:?}: {lines:?}");
        assert_eq!(lines[0]["message"], "kept alive");
    }
}

#[test]
fn invalid_filter_is_an_environment_problem() {
    let mut env = Environment::from_pairs([("RUST_LOG", "hyper=loud")]);
    let verbosity = Verbosity::from_environment(&mut env);
    assert_eq!(verbosity, Verbosity::from_environment(&mut Environment::from_pairs([])));
    assert!(env.finish().unwrap_err().to_string().contains("RUST_LOG"));
}
