//! Tenants, visitors and sites are apart: what is somebody else's reads as what is not there, and leaves no trace.

#[path = "isolation/bodies.rs"]
mod bodies;
#[path = "isolation/canaries.rs"]
mod canaries;
#[path = "isolation/collisions.rs"]
mod collisions;
#[path = "isolation/frames.rs"]
mod frames;
#[path = "isolation/log.rs"]
mod log;
#[path = "isolation/routes.rs"]
mod routes;
#[path = "isolation/secrets.rs"]
mod secrets;
#[path = "isolation/world.rs"]
mod world;
