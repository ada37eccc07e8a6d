//! Evaluation of deliveries: real Postgres, a real HTTP double of GitLab, and a clock that the test moves.

mod arrival;
mod cases;
mod command;
mod env;
mod gitlab_audit;
mod instances;
mod large;
mod ledger;
mod outcomes;
mod pending;
mod protection;
mod reading;
mod round_trips;
mod sequences;
mod unconfirmed;
