//! The files of the pages and of the client are part of the binary: it is built again when one of them changes.

fn main() {
    for folder in ["pages", "../../clients/js/client", "../../clients/js/widget"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
