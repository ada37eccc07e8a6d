//! The AWS calls, each made once.

use doubles::Stub;
use doubles::aws::{self, AwsDouble};
use runtime::secrets::Stage;
use secrecy::SecretString;

use super::received::count;
use super::seen::Seen;
use crate::runtime::Parts;

const SECRET: &str = "countersign/webhook";
/// The id of a pending version.
const VERSION: &str = "019cae0b-5527-7b1e-9c2d-4f5a6b7c8d9e";

async fn parts(stub: Option<Stub>) -> (AwsDouble, Parts) {
    let double = aws::start().await;
    double.put_secret(SECRET, "AWSCURRENT", "hunter2");
    if let Some(stub) = stub {
        double.stub(stub).unwrap();
    }
    let parts = Parts::calling(&double.url());
    (double, parts)
}

fn seen(double: &AwsDouble, parts: Parts) -> Seen {
    Seen {
        lines: parts.audit,
        address: double.url().trim_start_matches("http://").to_owned(),
        requests: count(&double.requests()),
    }
}

pub(super) async fn send(stub: Option<Stub>) -> Seen {
    let (double, parts) = parts(stub).await;
    let _ = parts.send().await;
    seen(&double, parts)
}

pub(super) async fn send_unordered(stub: Option<Stub>) -> Seen {
    let (double, parts) = parts(stub).await;
    let _ = parts.standard.send(&parts.context, "{}".to_owned()).await;
    seen(&double, parts)
}

pub(super) async fn put_event(stub: Option<Stub>) -> Seen {
    let (double, parts) = parts(stub).await;
    let _ = parts
        .bus
        .put(&parts.context, "SecurityReviewLedgerRow", "{}".to_owned())
        .await;
    seen(&double, parts)
}

pub(super) async fn get_secret(stub: Option<Stub>) -> Seen {
    let (double, parts) = parts(stub).await;
    let _ = parts.secrets.get(&parts.context, SECRET, Stage::Current).await;
    seen(&double, parts)
}

pub(super) async fn describe_secret(stub: Option<Stub>) -> Seen {
    let (double, parts) = parts(stub).await;
    let _ = parts.secrets.version(&parts.context, SECRET, VERSION).await;
    seen(&double, parts)
}

pub(super) async fn put_secret_value(stub: Option<Stub>) -> Seen {
    let (double, parts) = parts(stub).await;
    let value = SecretString::from("hunter3");
    let _ = parts.secrets.put_pending(&parts.context, SECRET, VERSION, &value).await;
    assert!(parts.audit.lines().iter().all(|line| !line.contains("hunter3")));
    seen(&double, parts)
}

pub(super) async fn update_secret_version_stage(stub: Option<Stub>) -> Seen {
    let (double, parts) = parts(stub).await;
    double.begin_rotation(SECRET, VERSION);
    double.put_secret(SECRET, "AWSPENDING", "hunter3");
    let current = double.version(SECRET, "AWSCURRENT");
    let _ = parts
        .secrets
        .promote(&parts.context, SECRET, VERSION, current.as_deref())
        .await;
    seen(&double, parts)
}
