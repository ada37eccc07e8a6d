//! Parsers of a destination's address: a path, an HTTP address, a syslog address.

use std::path::{Path, PathBuf};

use url::{Host, Url};

/// The transport of syslog messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One datagram for each message (RFC 5426). Nothing acknowledges it.
    Udp,
    /// A stream with octet counting (RFC 6587, section 3.4.1), in clear text.
    Tcp,
    /// The same over TLS (RFC 5425).
    Tls,
}

impl Transport {
    /// The scheme in `AUDIT_LOG_SYSLOG_ADDRESS`.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tcp+tls",
        }
    }
}

/// Where a syslog receiver listens. Displayed as written in `AUDIT_LOG_SYSLOG_ADDRESS`; it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogAddress {
    /// The transport of messages.
    pub transport: Transport,
    /// A DNS name or an IP address (version 6 without brackets); with TLS also the name in the certificate.
    pub host: String,
    /// The port: usually 514 for UDP and TCP, 6514 for TLS.
    pub port: u16,
}

impl std::fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.transport.scheme();
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl std::str::FromStr for SyslogAddress {
    type Err = &'static str;

    /// Parses addresses such as `tcp+tls://host:port`; the error completes a sentence that begins with the variable's name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        syslog_address(text)
    }
}

pub(super) fn path(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err("is not an absolute path");
    }
    if text.ends_with('/') || path.file_name().is_none() {
        return Err("is a directory, not a file");
    }
    Ok(path.to_owned())
}

pub(super) fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not an address")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("is not an http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains a user name or password; move the credentials to the secret");
    }
    if url.fragment().is_some() {
        return Err("contains a fragment (#), which is never sent");
    }
    Ok(url)
}

pub(super) fn syslog_address(text: &str) -> Result<SyslogAddress, &'static str> {
    const FORM: &str = "must be udp://host:port, tcp://host:port or tcp+tls://host:port";
    let url = Url::parse(text).map_err(|_| FORM)?;
    let transport = match url.scheme() {
        "udp" => Transport::Udp,
        "tcp" => Transport::Tcp,
        "tcp+tls" => Transport::Tls,
        _ => return Err(FORM),
    };
    let only_host_and_port = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    if !only_host_and_port {
        return Err(FORM);
    }
    let host = match url.host().ok_or(FORM)? {
        Host::Domain(name) if is_name(name) => name.to_ascii_lowercase(),
        Host::Domain(_) => return Err(FORM),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let port = url.port().filter(|port| *port != 0).ok_or("has no port")?;
    Ok(SyslogAddress { transport, host, port })
}

/// Characters of a DNS name or an IPv4 address; `url` accepts more in unknown schemes.
fn is_name(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !host.is_empty() && host.len() <= 253 && host.bytes().all(allowed)
}
