//! The store on a real Postgres: what it records, what it rejects, and its behaviour after failures in between.

mod attempts;
mod audit;
mod backlog;
mod connection;
mod effects;
mod evaluations;
mod exception_update;
mod exceptions;
mod history;
mod measures;
mod migrations;
mod operator_requests;
mod privileges;
mod roles;
mod sample;
mod tls;
mod tls_proxy;
mod transactions;
mod unconfirmed;
