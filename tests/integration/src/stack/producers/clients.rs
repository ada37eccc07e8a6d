//! Clients of the intake: the Rust crate, and the Python example of the documentation.

use std::process::Command;
use std::sync::Arc;

use audit_delivery::{Credentials, DeliveryError, Destination as _, HttpDestination, HttpOptions, Outgoing};
use model::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;
use uuid::Uuid;

use super::{Work, stored};
use crate::local_stack::Stack;
use crate::stack::stack_audit::StackAudit;

/// Forwards connections to the stack, with the `Host` header that selects its API.
async fn relay(stack: &Stack) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let (host, emulator) = (stack.host_header.clone(), stack.aws_endpoint.replace("http://", ""));
    let address = here.clone();
    let accepting = async move {
        while let Ok((client, _)) = listener.accept().await {
            spawned(relay_connection(
                client,
                emulator.clone(),
                address.clone(),
                host.clone(),
            ));
        }
    };
    spawned(accepting);
    here
}

async fn relay_connection(mut client: TcpStream, emulator: String, address: String, host: String) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test is a proxy here, in place of a name server"
    )]
    let mut server = TcpStream::connect(&emulator).await.unwrap();
    let mut head = [0_u8; 4096];
    let read = client.read(&mut head).await.unwrap();
    let text = String::from_utf8_lossy(&head[..read]).replacen(&address, &host, 1);
    server.write_all(text.as_bytes()).await.unwrap();
    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
}

#[expect(clippy::disallowed_methods, reason = "ends with the test")]
fn spawned(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

#[tokio::test]
async fn rust_crate_sends_entries_and_finds_rejected_ones() {
    let audit = StackAudit::open().await;
    let work = Work::new(Uuid::now_v7());
    let good = work.entry("1", |_| ());
    let foreign = work.entry("2", |value| value["service"] = "webhook".into());
    let endpoint = format!("http://{}/audit/events", relay(&audit.stack).await)
        .parse()
        .unwrap();
    let options = HttpOptions {
        credentials: Some(Credentials::Bearer(audit.stack.producer_key.clone().into())),
        ..HttpOptions::default()
    };
    let lines = [good.to_string(), foreign.to_string()];
    let results = tokio::task::spawn_blocking(move || {
        let outgoing = |position: usize| Outgoing {
            position: position as u64 + 1,
            id: Uuid::nil(),
            line: &lines[position],
        };
        [vec![0, 1], vec![1], vec![0]].map(|batch: Vec<usize>| {
            let mut destination =
                HttpDestination::new(Url::clone(&endpoint), options.clone(), Arc::new(SystemClock)).unwrap();
            let batch: Vec<Outgoing<'_>> = batch.into_iter().map(outgoing).collect();
            destination.deliver(&batch)
        })
    })
    .await
    .unwrap();
    assert!(
        matches!(&results[0], Err(DeliveryError::Refused { message, .. }) if message.ends_with("service_not_yours")),
        "{results:?}"
    );
    assert!(matches!(&results[1], Err(DeliveryError::Refused { .. })), "{results:?}");
    assert_eq!(results[2], Ok(()));
    assert_eq!(stored(&audit, &work, 1).await.len(), 1);
}

/// The example on the page, run as it is printed there.
#[tokio::test]
async fn python_example_of_the_page_is_accepted() {
    let audit = StackAudit::open().await;
    let work = Work::new(Uuid::now_v7());
    let page = include_str!("../../../../../docs/reference/producers.md");
    let example = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let call = format!(
        "\nprint(send('copilot.task.started', {{'resource_type': 'project', 'project_id': 7301}}, '{}'))\n",
        work.correlation_id
    );
    let mut python = Command::new("python3");
    python
        .args(["-c", &format!("{example}{call}")])
        .env(
            "COUNTERSIGN_AUDIT_URL",
            format!("http://{}/audit/events", relay(&audit.stack).await),
        )
        .env("COUNTERSIGN_AUDIT_KEY", &audit.stack.producer_key);
    let output = tokio::task::spawn_blocking(move || python.output().unwrap())
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("'accepted': 1"), "{output:?}");
    assert_eq!(stored(&audit, &work, 1).await[0]["action"], "copilot.task.started");
}
