//! The reference server as its users start and stop it.

#[path = "server/cluster.rs"]
mod cluster;
#[path = "server/connecting.rs"]
mod connecting;
#[path = "server/kept.rs"]
mod kept;
#[path = "server/places.rs"]
mod places;
#[path = "server/readiness.rs"]
mod readiness;
#[path = "server/refusals.rs"]
mod refusals;

use convor_tests::line::Line;
use convor_tests::server::{Server, run};
use tokio::net::TcpStream;

#[tokio::test]
async fn it_announces_itself_in_one_line_and_says_everything_else_on_standard_error() {
    let server = Server::demo(&[]).await;
    let announced = &server.announced;
    assert_ne!(announced.listen.port(), 0, "the port that it has taken");
    assert_eq!(announced.tenants.len(), 2);
    for tenant in &announced.tenants {
        assert!(tenant.tenant_key.starts_with("cvt_") && tenant.site_key.starts_with("cvk_"));
        for page in [&tenant.visitor_page, &tenant.dashboard] {
            assert!(page.starts_with(&server.origin()), "{page}");
        }
        for role in ["owner", "operator"] {
            assert!(!tenant.operator(role).password().is_empty());
        }
    }
    server.terminate();
    let ended = server.ended().await;
    assert_eq!(ended.output, "", "nothing follows the line");
    assert!(ended.log.contains("/dashboard"), "people find their way, too: {}", ended.log);
}

#[tokio::test]
async fn it_drains_and_ends_well_when_it_is_asked_to() {
    let server = Server::demo(&[]).await;
    server.terminate();
    let ended = server.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
}

#[tokio::test]
async fn it_sends_open_sockets_away_to_come_back_before_it_ends() {
    let server = Server::demo(&[]).await;
    let stream = TcpStream::connect(server.announced.listen).await.expect("it listens");
    let mut line = Line::over(stream, "/chat/v1/socket").await;
    server.terminate();
    let closing = line.until("closing").await;
    assert_eq!((&closing["code"], line.end().await), (&4001.into(), Some(4001)));
    drop(line);
    let ended = server.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
}

#[tokio::test]
async fn without_a_demonstration_it_says_how_to_begin() {
    let server = Server::start(&[]).await;
    assert!(server.announced.tenants.is_empty());
    server.terminate();
    let ended = server.ended().await;
    assert!(ended.log.contains("--demo"), "{}", ended.log);
}

#[tokio::test]
async fn what_it_does_not_understand_it_refuses_to_start_with() {
    for arguments in [
        &["--listen", "nowhere"][..],
        &["--connections-max", "0"],
        &["--storage", "cloud"],
        &["--storage", "archive:backup.jsonl"],
        &["migrate", "--storage", "sqlite:convor.db"],
        &["--origin", "https://example.org/path"],
        &["--unknown"],
    ] {
        let output = run(arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}
