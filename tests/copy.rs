//! What one storage holds, another one holds after a copy: between adapters, through archives, whole or in pieces.

#[path = "copy/archives.rs"]
mod archives;
#[path = "copy/command.rs"]
mod command;
#[path = "copy/pieces.rs"]
mod pieces;
#[path = "copy/round.rs"]
mod round;
#[path = "copy/source_in_use.rs"]
mod source_in_use;
#[path = "copy/told.rs"]
mod told;
#[path = "copy/world.rs"]
mod world;
