//! The calls of AWS, each made once.

use runtime::secrets::Stage;
use tests::doubles::Stub;
use tests::doubles::aws::{self, AwsDouble};

use super::received::count;
use super::seen::Seen;
use crate::runtime::Parts;

async fn parts(stub: Option<Stub>) -> (AwsDouble, Parts) {
    let double = aws::start().await;
    double.put_secret("countersign/webhook", "AWSCURRENT", "hunter2");
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
    let _ = parts
        .secrets
        .get(&parts.context, "countersign/webhook", Stage::Current)
        .await;
    seen(&double, parts)
}
