//! The configured destinations, built on first use and rebuilt when their secret is rotated.

use std::sync::Arc;
use std::time::Duration;

use audit::{Context, FailureClass, Writer};
use audit_delivery::settings::{DestinationSettings, SyslogAddress, Transport};
use audit_delivery::{DeliveryError, SyslogDestination, SyslogOptions};
use clients::http::{Http, Options};
use clients::siem::{Audited, HttpReceiver, SiemCredential};
use model::Clock;
use runtime::StartError;
use runtime::secrets::{FromSecrets, SecretCache, SecretSource, from_json};
use serde::Deserialize;
use store::PositionedEntry;

use super::blocking::{Blocking, outgoing};

/// Longest delivery of one batch.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The part of the outbound secret that the destinations need.
#[derive(Debug, Deserialize)]
pub(crate) struct SiemSecrets {
    #[serde(default)]
    siem: Option<SiemCredential>,
    #[serde(default)]
    ca_pem: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Outlets {
    names: Vec<&'static str>,
    /// Those that need no secret.
    plain: Vec<Outlet>,
    /// Those that do; their names are known without it.
    secret_names: Vec<&'static str>,
    secret: FromSecrets<SecretCache<SiemSecrets>, Vec<Outlet>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    pub(crate) name: &'static str,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Http(HttpReceiver),
    Blocking(Blocking),
    /// It cannot be built now; the reason.
    Unusable(String),
}

impl Outlets {
    pub(crate) fn new(
        settings: &DestinationSettings,
        source: Arc<dyn SecretSource>,
        secret_id: String,
        audit: &Writer,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let DestinationSettings { file, syslog, http, .. } = settings.clone();
        // 1. Destinations without a secret are built now.
        let mut plain = Vec::new();
        if let Some(path) = file {
            plain.push(Outlet::new("file", Way::Blocking(Blocking::file(path))));
        }
        let (tls, clear) = match syslog {
            Some(address) if address.transport == Transport::Tls => (Some(address), None),
            clear => (None, clear),
        };
        if let Some(address) = clear {
            plain.push(syslog_outlet(&address, None, audit)?);
        }
        // 2. The others are built once the secret is read; syslog needs it for the CA of its TLS.
        let secret_names: Vec<_> = [tls.as_ref().map(|_| "syslog"), http.as_ref().map(|_| "http")]
            .into_iter()
            .flatten()
            .collect();
        let cache = SecretCache::current(source, secret_id, Arc::clone(clock), from_json);
        let (writer, time) = (audit.clone(), Arc::clone(clock));
        let build = move |outbound: &Arc<SiemSecrets>| {
            let mut outlets = Vec::new();
            if let Some(address) = &tls {
                outlets.push(syslog_outlet(address, outbound.ca_pem.clone(), &writer)?);
            }
            if let Some(endpoint) = &http {
                let options = Options {
                    private_ca_pem: outbound.ca_pem.clone(),
                    ..Options::default()
                };
                let client = Http::new(&options, writer.clone(), Arc::clone(&time))?;
                let receiver = HttpReceiver::new(client, endpoint.clone(), outbound.siem.as_ref())?;
                outlets.push(Outlet::new("http", Way::Http(receiver)));
            }
            Ok(outlets)
        };
        let names = plain
            .iter()
            .map(|outlet| outlet.name)
            .chain(secret_names.clone())
            .collect();
        Ok(Self {
            names,
            plain,
            secret_names,
            secret: FromSecrets::new(cache, build),
        })
    }

    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// All of them. If the secret is unavailable, those that need it are included and fail with the reason.
    pub(crate) async fn get(&self, context: &Context) -> Vec<Outlet> {
        let mut outlets = self.plain.clone();
        if self.secret_names.is_empty() {
            return outlets;
        }
        match self.secret.get(context).await {
            Ok(built) => outlets.extend(built.iter().cloned()),
            Err(error) => {
                let unusable = |name: &&'static str| Outlet::new(name, Way::Unusable(error.to_string()));
                outlets.extend(self.secret_names.iter().map(unusable));
            }
        }
        outlets
    }

    /// A destination rejected our credentials: the secret is read again, at most every half minute.
    pub(crate) async fn refused(&self, context: &Context) {
        self.secret.refused(context).await;
    }
}

impl Outlet {
    fn new(name: &'static str, way: Way) -> Self {
        Self { name, way }
    }

    /// Delivers a batch, and waits at most this long.
    pub(super) async fn deliver(
        &self,
        context: &Context,
        batch: &[PositionedEntry],
        patience: Duration,
    ) -> Result<(), DeliveryError> {
        match &self.way {
            Way::Http(receiver) => receiver.post_events(context, &outgoing(batch), patience).await,
            Way::Blocking(destination) => destination.deliver(context, batch.to_vec(), patience).await,
            Way::Unusable(why) => Err(DeliveryError::Unavailable {
                class: FailureClass::AuthFailure,
                message: why.clone(),
                retry_after: None,
            }),
        }
    }

    /// Whether a delivery leaves an audit entry.
    pub(super) fn is_audited(&self) -> bool {
        match &self.way {
            Way::Http(_) => true,
            Way::Blocking(_) => self.name == "syslog",
            Way::Unusable(_) => false,
        }
    }

    /// The end of a successful run.
    pub(super) fn release(&self) {
        if let Way::Blocking(destination) = &self.way {
            destination.release();
        }
    }
}

fn syslog_outlet(address: &SyslogAddress, ca_pem: Option<String>, audit: &Writer) -> Result<Outlet, StartError> {
    let options = SyslogOptions {
        private_ca_pem: ca_pem,
        // Slightly less than the caller waits: then it ends by itself, and its entry records how.
        timeout: PATIENCE.saturating_sub(Duration::from_secs(1)),
        ..SyslogOptions::default()
    };
    let destination = SyslogDestination::new(address.clone(), options)?;
    let audited = Audited::syslog(Box::new(destination), &address.to_string(), audit.clone());
    Ok(Outlet::new("syslog", Way::Blocking(Blocking::audited(audited))))
}
