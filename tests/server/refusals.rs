//! Why it does not start, in a sentence that says what to do and names no secret.

use convor_tests::database::Database;
use convor_tests::folder::Folder;
use convor_tests::server::{Server, run, run_with};

async fn refusal(storage: &str) -> String {
    let output = run_with(&["--listen", "127.0.0.1:0", "--storage", storage], &[("RUST_LOG", "trace")]).await;
    assert!(!output.status.success() && output.stdout.is_empty(), "{storage}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[tokio::test]
async fn a_file_that_another_server_has_is_named() {
    let folder = Folder::new();
    let _first = Server::start_in(folder.root(), &[]).await;
    let said = refusal(&format!("sqlite:{}", folder.path("convor.db").display())).await;
    assert!(said.contains("convor.db is in use: another server has opened it"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_none_of_its_own_is_left_as_it_is() {
    let folder = Folder::new();
    std::fs::write(folder.path("notes.txt"), "mine").expect("a file");
    let said = refusal(&format!("sqlite:{}", folder.path("notes.txt").display())).await;
    assert!(said.contains("notes.txt is not an SQLite database"), "{said}");
    assert_eq!(std::fs::read(folder.path("notes.txt")).expect("a file"), b"mine");
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named_and_each_cause_is_told_once() {
    let folder = Folder::new();
    let said = refusal(&format!("sqlite:{}", folder.path("missing/convor.db").display())).await;
    let missing = folder.path("missing");
    assert!(said.contains(&format!("the folder {} does not exist", missing.display())), "{said}");
    std::fs::create_dir(&missing).expect("a folder");
    let said = refusal(&format!("sqlite:{}", missing.display())).await;
    assert_eq!(said.matches("is a directory").count(), 1, "{said}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_found_out_before_there_are_files() {
    let first = Server::start(&[]).await;
    let folder = Folder::new();
    let storage = format!("sqlite:{}", folder.path("convor.db").display());
    let listen = first.announced.listen.to_string();
    let output = run(&["--listen", &listen, "--storage", &storage]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(&format!("cannot listen on {listen}")), "{said}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[tokio::test]
async fn a_database_without_its_schema_or_with_the_wrong_role_says_what_to_do() {
    let (empty, database) = (Database::empty().await, Database::fresh().await);
    for (url, expected) in [
        (empty.app_url(), "run `convor-server migrate`"),
        (database.owner_url(), "use the application's role"),
        (database.superuser_url(), "use the application's role"),
    ] {
        let said = refusal(&url).await;
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn an_empty_database_is_migrated_by_the_command_and_again() {
    let database = Database::empty().await;
    for _ in 0..2 {
        let output = run(&["migrate", "--storage", &database.owner_url()]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let server = Server::start(&["--demo", "--storage", &database.app_url()]).await;
    assert_eq!(server.announced.tenants.len(), 2);
    let output = run(&["migrate", "--storage", &database.app_url()]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the role that owns the schema"), "{said}");
}

#[tokio::test]
async fn a_secret_is_printed_nowhere() {
    for storage in [
        "postgres://role:canary@127.0.0.1:1/db",
        "postgres://role:canary@127.0.0.1:notaport/db",
        "mysql://role:canary@127.0.0.1/db",
        "canary",
    ] {
        let said = refusal(storage).await;
        assert!(!said.contains("canary"), "{said}");
    }
    let secret = [("CONVOR_STORAGE", "postgres://role:canary@127.0.0.1:1/db"), ("RUST_LOG", "trace")];
    for arguments in [&["--help"][..], &["migrate", "--help"], &["migrate"], &["--listen", "127.0.0.1:0"]] {
        let output = run_with(arguments, &secret).await;
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains("canary"), "{arguments:?}");
    }
}
