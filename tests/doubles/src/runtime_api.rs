//! A Lambda Runtime API that runs one function binary without other services, for tests and benchmarks.
//!
//! Start the binary with `AWS_LAMBDA_RUNTIME_API` set to [`RuntimeApi::url_host_port`], then [`RuntimeApi::invoke`] it. Protocol:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use futures::channel::oneshot;
use http::StatusCode;
use model::{Clock, SystemClock};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Server;

const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:under-test";

/// A running Runtime API, for one process of one function.
#[derive(Debug)]
pub struct RuntimeApi {
    shared: Arc<Shared>,
    server: Server,
    timeout: Duration,
}

impl RuntimeApi {
    /// Starts on a free port of the loopback interface, with a function timeout of 30 seconds.
    pub async fn start() -> Self {
        Self::with_timeout(Duration::from_secs(30)).await
    }

    /// Starts with another function timeout: the deadline sent to the function, and the time that `invoke` waits.
    ///
    /// # Panics
    /// When no port can be bound.
    #[expect(clippy::expect_used, reason = "a test cannot run without it")]
    pub async fn with_timeout(timeout: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_invocation))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(Arc::clone(&shared));
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::start(address, router)
            .await
            .expect("the Runtime API could not listen on 127.0.0.1");
        Self {
            shared,
            server,
            timeout,
        }
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`, such as `127.0.0.1:41234`.
    #[must_use]
    pub fn url_host_port(&self) -> String {
        self.server.address().to_string()
    }

    /// Invokes the function and waits for its outcome.
    ///
    /// # Errors
    /// What the function reported in `errorType` and `errorMessage`: an error of the handler or of the start, or `Sandbox.Timedout`
    /// when no answer arrived within the function's timeout.
    pub async fn invoke(&self, event: Value) -> Result<Value, Value> {
        let (sender, outcome) = oneshot::channel();
        let id = Uuid::now_v7().to_string();
        {
            let mut state = self.shared.lock();
            if let Some(error) = &state.init_error {
                return Err(error.clone());
            }
            let deadline_ms =
                SystemClock.now().as_millisecond() + i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX / 2);
            state.queue.push_back(Invocation {
                id: id.clone(),
                deadline_ms,
                event,
            });
            state.outcomes.insert(id.clone(), sender);
            state.wake();
        }
        if let Ok(Ok(outcome)) = tokio::time::timeout(self.timeout, outcome).await {
            return outcome;
        }
        let mut state = self.shared.lock();
        state.outcomes.remove(&id);
        state.queue.retain(|invocation| invocation.id != id);
        let message = format!("Task timed out after {:.2} seconds", self.timeout.as_secs_f64());
        Err(json!({"errorType": "Sandbox.Timedout", "errorMessage": message}))
    }

    /// When the function first polled, which ends its start; `None` before that.
    #[must_use]
    pub fn first_poll(&self) -> Option<Instant> {
        self.shared.lock().first_poll
    }

    /// Waits until the function polls for the first time.
    ///
    /// # Errors
    /// The start error that the function reported, or null if it did neither in time.
    pub async fn wait_for_first_poll(&self, patience: Duration) -> Result<Instant, Value> {
        let deadline = Instant::now() + patience;
        loop {
            let change = {
                let mut state = self.shared.lock();
                match (state.first_poll, &state.init_error) {
                    (Some(at), _) => return Ok(at),
                    (None, Some(error)) => return Err(error.clone()),
                    (None, None) => state.next_change(),
                }
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if tokio::time::timeout(left, change).await.is_err() {
                return Err(Value::Null);
            }
        }
    }
}

#[derive(Debug)]
struct Invocation {
    id: String,
    deadline_ms: i64,
    event: Value,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Inner>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under the lock is complete in itself, so a poisoned lock still guards valid state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an outcome to the invoker; 400 for an invocation that is not running, as AWS answers.
    fn settle(&self, id: &str, outcome: Result<Value, Value>) -> Response {
        match self.lock().outcomes.remove(id) {
            Some(sender) => {
                // The invoker may have timed out.
                drop(sender.send(outcome));
                accepted()
            }
            None => reply(
                StatusCode::BAD_REQUEST,
                &json!({"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}),
            ),
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Invocation>,
    outcomes: BTreeMap<String, oneshot::Sender<Result<Value, Value>>>,
    first_poll: Option<Instant>,
    init_error: Option<Value>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Inner {
    fn next_change(&mut self) -> oneshot::Receiver<()> {
        let (waker, change) = oneshot::channel();
        self.waiting.push(waker);
        change
    }

    fn wake(&mut self) {
        // Dropping the senders wakes all waiters.
        self.waiting.clear();
    }
}

/// The long poll: answers when there is an invocation.
async fn next_invocation(State(shared): State<Arc<Shared>>) -> Response {
    let now = Instant::now();
    loop {
        let change = {
            let mut state = shared.lock();
            if state.first_poll.is_none() {
                state.first_poll = Some(now);
                state.wake();
            }
            match state.queue.pop_front() {
                Some(invocation) => return hand_out(&invocation),
                None => state.next_change(),
            }
        };
        // Always the error of a dropped sender, which means: check again.
        let _ = change.await;
    }
}

fn hand_out(invocation: &Invocation) -> Response {
    let trace = Uuid::now_v7().simple().to_string();
    let trace = format!(
        "Root=1-{}-{};Parent={};Sampled=0",
        &trace[..8],
        &trace[8..],
        &trace[16..]
    );
    let mut response = reply(StatusCode::OK, &invocation.event);
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id.clone()),
        ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", FUNCTION_ARN.to_owned()),
        ("lambda-runtime-trace-id", trace),
    ];
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    shared.settle(&id, Ok(parse(&body)))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    shared.settle(&id, Err(parse(&body)))
}

/// The function could not start: all current and later invocations fail with its error.
async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let mut state = shared.lock();
    let error = parse(&body);
    for (_, sender) in std::mem::take(&mut state.outcomes) {
        drop(sender.send(Err(error.clone())));
    }
    state.queue.clear();
    state.init_error = Some(error);
    state.wake();
    accepted()
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

fn accepted() -> Response {
    reply(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

fn reply(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
