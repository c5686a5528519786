//! What PostgreSQL adds to the storage contract, on a server that `CONVOR_TEST_POSTGRES` names.

mod broker;
mod cancellation;
mod classification;
mod conformance;
mod connections;
mod fill;
mod methods;
mod migration;
mod plans;
mod regressions;
mod row_level_security;
mod schema;
mod statements;
mod tenant;
