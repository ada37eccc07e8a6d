//! An error and its causes as one line of text, for the only place that logs it.

use std::error::Error;

/// `error: cause: cause of the cause`, without causes that the outer text already ends with.
pub(crate) fn in_one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = inner.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::in_one_line;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layer(text: &'static str, source: Option<Layer>) -> Layer {
        Layer {
            text,
            source: source.map(Box::new),
        }
    }

    #[test]
    fn every_cause_is_named_once() {
        let broken = layer("read failed", Some(layer("connection reset", None)));
        assert_eq!(in_one_line(&broken), "read failed: connection reset");
        let repeating = layer("read failed: connection reset", Some(layer("connection reset", None)));
        assert_eq!(in_one_line(&repeating), "read failed: connection reset");
    }
}
