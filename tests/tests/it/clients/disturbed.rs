//! Trouble at every request of a task, alone and in pairs: however often it has to be begun again, it ends as if nothing had happened.

use clients::{Advice, CallError};
use tests::doubles::{Double, Fault, Recorded, Stub, System};

/// What can befall a request: it does not get there, its answer is lost, the target is down or busy.
pub(super) fn troubles() -> [fn(Stub) -> Stub; 4] {
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

/// A stub for the requests that are like this one: by method and path, and by the operation where all have one path.
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

/// Every set of up to two troubles for these requests.
pub(super) fn disturbances(requests: &[Recorded]) -> Vec<Vec<Stub>> {
    let mut single: Vec<Stub> = Vec::new();
    for request in requests {
        for trouble in troubles() {
            let stub = trouble(like(request));
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

/// Begins anew until it succeeds, as the outbox does; only what is refused for good ends it. Gives the result, and whether an attempt may
/// have got through unseen before.
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
