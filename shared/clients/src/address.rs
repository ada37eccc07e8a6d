//! Base addresses from configuration: checked once, so that no request can go anywhere else.

use url::Url;

/// A base address or token is invalid. Fix the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    #[error("invalid address: {0}; use one such as https://gitlab.example.com")]
    Unreadable(#[from] url::ParseError),
    /// Not `http` or `https`, or it has parts that a base address must not have.
    #[error("a base address must be http:// or https:// with a host, without user, password, query or fragment")]
    Unusable,
    /// The token is not a valid header value.
    #[error("the token has characters that are invalid in a header; was it stored with a line break?")]
    Token,
    /// A credential would be sent unencrypted.
    #[error("credentials are sent only over https, or to this machine")]
    ClearText,
    /// The header name is invalid.
    #[error("the header name of the credential is invalid")]
    Header,
}

/// The base address of an API: `text` with `suffix` (such as `/api/v4`) added unless it is there already, and a slash at the end.
pub(crate) fn base(text: &str, suffix: &str) -> Result<Url, InvalidAddress> {
    let mut url = Url::parse(text.trim())?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(InvalidAddress::Unusable);
    }
    let path = url.path().trim_end_matches('/');
    let path = format!("{}{suffix}/", path.strip_suffix(suffix).unwrap_or(path));
    url.set_path(&path);
    Ok(url)
}

/// Whether `url` is within `base`: same scheme, host and port, below its path, and without credentials.
pub(crate) fn within(base: &Url, url: &Url) -> bool {
    url.origin() == base.origin()
        && url.path().starts_with(base.path())
        && url.username().is_empty()
        && url.password().is_none()
}

/// `base` with path segments added; each is percent-encoded.
pub(crate) fn join<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // `base` ensured http(s), so the path has segments.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// A URL shown to people as a link: http or https, without credentials and without characters that could end a link in any markup.
/// As parsed: host names are in punycode, so that look-alikes are visible.
pub(crate) fn shown(text: &str) -> Option<String> {
    let clean = text.chars().all(|c| {
        !matches!(c, '|' | '<' | '>' | '"' | '\\' | '[' | ']' | '{' | '}')
            && !c.is_whitespace()
            && !crate::plain::hidden(c)
    });
    let url = Url::parse(text).ok().filter(|_| clean)?;
    let safe = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    safe.then(|| url.as_str().replace('(', "%28").replace(')', "%29"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_path_is_added_exactly_once() {
        for (text, expected) in [
            ("https://gitlab.example.com", "https://gitlab.example.com/api/v4/"),
            ("https://gitlab.example.com/", "https://gitlab.example.com/api/v4/"),
            (
                "https://gitlab.example.com/api/v4",
                "https://gitlab.example.com/api/v4/",
            ),
            (
                "https://gitlab.example.com/api/v4///",
                "https://gitlab.example.com/api/v4/",
            ),
            (" https://example.com/gitlab \n", "https://example.com/gitlab/api/v4/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v4/"),
        ] {
            assert_eq!(base(text, "/api/v4").unwrap().as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn an_address_that_could_lead_elsewhere_is_refused() {
        for text in [
            "",
            "gitlab.example.com",
            "ftp://gitlab.example.com",
            "file:///etc/passwd",
            "https://user:pass@gitlab.example.com",
            "https://gitlab.example.com?x=1",
            "https://gitlab.example.com#x",
        ] {
            assert!(base(text, "/api/v4").is_err(), "{text:?}");
        }
    }

    #[test]
    fn other_scheme_host_port_or_path_is_outside() {
        let inside = base("https://gitlab.example.com", "/api/v4").unwrap();
        for (text, expected) in [
            ("https://gitlab.example.com/api/v4/projects/1", true),
            ("https://gitlab.example.com:443/api/v4/projects/1", true),
            ("http://gitlab.example.com/api/v4/projects/1", false),
            ("https://gitlab.example.com:8443/api/v4/projects/1", false),
            ("https://gitlab.example.com.evil.example/api/v4/projects/1", false),
            ("https://evil.example/api/v4/projects/1", false),
            ("https://gitlab.example.com/users/sign_in", false),
            ("https://gitlab.example.com/api/v4/../v3/projects", false),
            ("https://x@gitlab.example.com/api/v4/projects/1", false),
        ] {
            assert_eq!(within(&inside, &Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
