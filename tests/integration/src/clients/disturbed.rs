//! Failures at every request of a task, alone and in pairs: after any number of retries it ends as if nothing had happened.

use clients::{Advice, CallError};
use doubles::{Double, Fault, Recorded, Stub, System};

/// Failures of a request: it is lost, its answer is lost, the target is down or busy.
pub(super) fn failures() -> [fn(Stub) -> Stub; 4] {
    [
        |stub| Stub {
            fault: Some(Fault::Reset),
            ..stub
        },
        |stub| Stub {
            fault: Some(Fault::PostThenReset),
            ..stub
        },
        |stub| Stub {
            status: Some(503),
            body: Some("no".into()),
            ..stub
        },
        |stub| {
            Stub {
                status: Some(429),
                body: Some("no".into()),
                ..stub
            }
            .header("retry-after", 1)
        },
    ]
}

/// A stub for requests like this one: by method and path, and by operation where there is only one path.
pub(super) fn like(request: &Recorded) -> Stub {
    let path = request.path.split('?').next().unwrap_or_default();
    let stub = Stub::on(&request.method, path).times(1);
    match request.body["query"].as_str() {
        Some(query) => {
            let operation = query.split('{').nth(1).unwrap_or_default();
            stub.containing(operation.split('(').next().unwrap_or_default().trim())
        }
        None => stub,
    }
}

/// Every set of up to two failures for these requests.
pub(super) fn disturbances(requests: &[Recorded]) -> Vec<Vec<Stub>> {
    let mut single: Vec<Stub> = Vec::new();
    for request in requests {
        for failure in failures() {
            let stub = failure(like(request));
            if !single.contains(&stub) {
                single.push(stub);
            }
        }
    }
    let pairs = single
        .iter()
        .flat_map(|one| single.iter().map(move |other| vec![one.clone(), other.clone()]));
    single.iter().map(|one| vec![one.clone()]).chain(pairs).collect()
}

/// Retries until it succeeds, as the outbox does; only a permanent rejection ends it. Returns the result, and whether an earlier
/// attempt may have succeeded unseen.
pub(super) async fn until_done<S: System, T>(
    double: &Double<S>,
    stubs: &[Stub],
    attempt: impl AsyncFn(bool) -> Result<T, CallError>,
) -> T {
    for stub in stubs {
        double.stub(stub.clone()).unwrap();
    }
    let mut unseen = false;
    for _ in 0..10 {
        match attempt(unseen).await {
            Ok(done) => return done,
            Err(error) => {
                assert_ne!(error.advice, Advice::Permanent, "{error} under {stubs:?}");
                unseen |= error.advice == Advice::Ambiguous;
            }
        }
    }
    panic!("not done after ten attempts under {stubs:?}");
}
