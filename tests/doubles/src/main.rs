//! Runs doubles of outside systems until the process is stopped: `doubles --gitlab 127.0.0.1:4010 --slack 127.0.0.1:4020`.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use doubles::{Double, System, aws, confluence, gitlab, jira, linear, siem, slack};

const USAGE: &str = "usage: doubles [--gitlab ADDR] [--slack ADDR] [--linear ADDR] [--jira ADDR] [--confluence ADDR] [--siem ADDR] [--aws ADDR]\n(ADDR such as 127.0.0.1:4010; port 0 picks one)";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments).await {
        Ok(never) => match never {},
        Err(error) => {
            // A closed stderr is ignored.
            drop(writeln!(io::stderr(), "doubles: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<std::convert::Infallible, Box<dyn Error>> {
    if arguments.is_empty() {
        return Err(USAGE.into());
    }
    let mut running: Vec<Box<dyn Send>> = Vec::new();
    for pair in arguments.chunks(2) {
        let [flag, address] = pair else {
            return Err(format!("{} needs an address\n{USAGE}", pair[0]).into());
        };
        let address: SocketAddr = address
            .parse()
            .map_err(|error| format!("{flag} {address}: {error}\n{USAGE}"))?;
        running.push(match flag.as_str() {
            "--gitlab" => start::<gitlab::GitLab>(address).await?,
            "--slack" => start::<slack::Slack>(address).await?,
            "--linear" => start::<linear::Linear>(address).await?,
            "--jira" => start::<jira::Jira>(address).await?,
            "--confluence" => start::<confluence::Confluence>(address).await?,
            "--siem" => start::<siem::Siem>(address).await?,
            "--aws" => start::<aws::Aws>(address).await?,
            other => return Err(format!("unknown option {other}\n{USAGE}").into()),
        });
    }
    Ok(std::future::pending().await)
}

/// Starts a double and prints its address, one line each on stderr: `gitlab http://127.0.0.1:4010`.
async fn start<S: System>(address: SocketAddr) -> Result<Box<dyn Send>, Box<dyn Error>> {
    let double = Double::<S>::start_on(address)
        .await
        .map_err(|error| format!("{} on {address}: {error}", S::NAME))?;
    writeln!(io::stderr(), "{} {}", S::NAME, double.url())?;
    Ok(Box::new(double))
}
