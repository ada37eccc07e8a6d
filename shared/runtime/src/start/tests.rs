//! A function as a process: this test binary runs itself again, with one test as the function's `main`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use audit::{Action, Entry, Outcome, Target};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use super::*;

/// Example of a function's `main`. `MODE` selects the failure.
#[test]
#[ignore = "the process that the other tests start"]
fn function() {
    let ended = start("under-test", async |mut process: Process| {
        let mode = process.environment.required("MODE");
        process.environment.number("PAGE_SIZE", 100, 1..=100);
        process.environment.finish()?;
        process.clients_built();
        process.secrets_loaded();
        assert!(mode != "panic", "hunter2 in {mode}");
        if mode == "fail" {
            return Err(StartError::new("the schema is newer than this program"));
        }
        let audit = process.audit.clone();
        let context = process.context.clone();
        let handler = service_fn(async |event: LambdaEvent<Value>| {
            let target = Target::other("queue", "q");
            audit.write(&Entry::new(Action::SqsSendMessage, &context, target, Outcome::Success));
            Ok::<_, lambda_runtime::Error>(event.payload)
        });
        process.run(handler).await
    });
    std::process::exit(i32::from(ended != ExitCode::SUCCESS));
}

fn process(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "start::tests::function", "--ignored", "--nocapture"]);
    command.env_clear().envs(variables.iter().copied());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the function until it exits: whether it succeeded, its JSON lines, and all its output.
fn ended(variables: &[(&str, &str)]) -> (bool, Vec<Value>, String) {
    let output = process(variables).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    let lines = printed.lines().filter_map(|line| serde_json::from_str(line).ok());
    (
        output.status.success(),
        lines.filter(Value::is_object).collect(),
        printed,
    )
}

const LAMBDA_LIKE: [(&str, &str); 4] = [
    ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9"),
    ("AWS_LAMBDA_FUNCTION_NAME", "under-test"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
];

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    LAMBDA_LIKE.iter().chain(more).copied().collect()
}

#[test]
fn invalid_environment_reports_all_problems_in_one_line() {
    let (well, lines, printed) = ended(&[("PAGE_SIZE", "0"), ("RUST_LOG", "=loud")]);
    assert!(!well);
    assert_eq!(lines.len(), 1, "{printed}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["service"], "under-test");
    let error = lines[0]["error"].as_str().unwrap();
    for name in ["MODE", "PAGE_SIZE", "RUST_LOG"].iter().chain(&LAMBDA) {
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[test]
fn failed_start_reports_its_error_in_one_line() {
    let (well, lines, printed) = ended(&with(&[("MODE", "fail")]));
    assert!(!well);
    assert_eq!(lines.len(), 1, "{printed}");
    assert_eq!(lines[0]["error"], "the schema is newer than this program");
}

#[test]
fn panic_line_has_location_without_its_data() {
    let (well, lines, printed) = ended(&with(&[("MODE", "panic")]));
    assert!(!well);
    assert!(
        lines[0]["location"].as_str().unwrap().contains("start/tests.rs"),
        "{printed}"
    );
    assert_eq!(lines[0]["level"], "ERROR");
    assert!(!lines[0].to_string().contains("hunter2"), "{printed}");
}

#[test]
fn successful_start_logs_its_duration_and_serves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut variables = with(&[("MODE", "serve")]);
    variables[0].1 = address.leak();
    let mut child = process(&variables).spawn().unwrap();
    let answer = answer_to_one_invocation(&listener, r#"{"number":1}"#);
    child.kill().unwrap();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    child.wait().unwrap();
    assert_eq!(answer, r#"{"number":1}"#);
    let lines: Vec<Value> = printed
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(lines[0]["message"], "initialised", "{printed}");
    let took = |name: &str| lines[0][name].as_u64().unwrap();
    assert!(took("total_us") >= took("clients_us") + took("secrets_us"), "{printed}");
    assert_eq!(lines[1]["event_type"], "audit", "{printed}");
    assert_eq!(lines[1]["service"], "under-test");
}

/// A minimal Lambda Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>): serves `event` as the next
/// invocation, and returns the answer posted to it.
fn answer_to_one_invocation(listener: &TcpListener, event: &str) -> String {
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some((head, body)) = request(&mut reader) {
            if head.starts_with("POST") {
                assert!(head.contains("/invocation/r-1/response"), "{head}");
                return body;
            }
            assert!(head.contains("/runtime/invocation/next"), "{head}");
            respond(&mut stream, event);
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap() == 0 {
            return None;
        }
    }
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    Some((head, String::from_utf8(body).unwrap()))
}

fn respond(stream: &mut TcpStream, event: &str) {
    let head = "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: r-1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
                lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:under-test";
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{event}", event.len()).unwrap();
}
