//! Measures start-up, latency, throughput and sizes against their goals: `make bench`.

use std::io::{self, Write};
use std::process::ExitCode;

use bench::{self, Effort};

const USAGE: &str = "\
usage: bench [--quick | --processor | --producers] [--baseline]   (--baseline: also the functions built by `stack.py baseline`)
       bench --ledger | --search [database filled by an earlier run]
BENCH_FULL=1: tables of ten million rows; BENCH_ROWS=0: the processor with only an empty table";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [] => bench::run(&Effort::usual()).await,
        ["--quick"] => bench::run(&Effort::quick()).await,
        ["--baseline"] => bench::run(&Effort::usual().with_baseline()).await,
        ["--quick", "--baseline"] => bench::run(&Effort::quick().with_baseline()).await,
        ["--processor"] => bench::run_processor(&Effort::usual()).await,
        ["--processor", "--baseline"] => bench::run_processor(&Effort::usual().with_baseline()).await,
        ["--producers"] => bench::run_producers(&Effort::usual()).await,
        ["--producers", "--baseline"] => bench::run_producers(&Effort::usual().with_baseline()).await,
        ["--ledger"] => bench::run_ledger(&Effort::usual()).await,
        ["--search"] => bench::run_search(&Effort::usual(), None).await,
        ["--search", url] => bench::run_search(&Effort::usual(), Some(url)).await,
        [bench::AUDIT_LINES, count] => bench::write_audit_lines(count),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr is ignored.
            drop(writeln!(io::stderr(), "bench: {error}"));
            ExitCode::FAILURE
        }
    }
}
