//! Processes killed between two steps: nothing is lost and nothing is done twice. The real binaries, killed by their own handles.

mod processor;
mod relay;
